"""The rows of a model's output matrix that can be asked for."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel


class Head:
    """Logits of some word pieces. columns: where each piece's logit stands.

    network: with its own weights; those of an int8 copy cannot be sliced.
    """

    def __init__(self, network: PreTrainedModel, pieces: Iterable[int]) -> None:
        ids = sorted(set(pieces))
        self.columns = {piece: column for column, piece in enumerate(ids)}
        output = network.get_output_embeddings()
        self._weight = output.weight.detach()[ids].float()
        self._bias = None if output.bias is None else output.bias.detach()[ids].float()
        self._scale = output_scale(network)

    @torch.inference_mode()
    def logits(self, hidden: Tensor, ends: Sequence[Sequence[int]]) -> list[np.ndarray]:
        """Logits behind some of the pieces of each row.

        hidden: *Shape:* (rows, pieces, width). Returns for each row. *Shape:* (ends, columns)
        """
        counts = [len(own) for own in ends]
        rows = torch.arange(len(ends)).repeat_interleave(torch.tensor(counts))
        places = torch.tensor([end for own in ends for end in own], dtype=torch.long)
        wanted = hidden[rows.to(hidden.device), places.to(hidden.device)].float()
        logits = torch.nn.functional.linear(wanted * self._scale, self._weight, self._bias)
        return np.split(logits.cpu().numpy(), np.cumsum(counts)[:-1])


def output_scale(network: PreTrainedModel) -> float:
    """What T5 multiplies hidden states with where input and output share a matrix."""
    config = network.config
    tied_t5 = config.is_encoder_decoder and config.tie_word_embeddings
    return config.d_model**-0.5 if tied_t5 else 1.0
