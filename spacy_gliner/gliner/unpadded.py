"""Transformers for training on a CPU: rows one after the other, without padding, with gradients."""

from typing import Any

from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from ..attention import StepwiseAttention
from .packed import is_bert
from .pieces import round_up


def reads_unpadded(transformer: PreTrainedModel) -> bool:
    """Whether `encode_unpadded` knows the model."""
    return is_bert(transformer.config) and transformer.config._attn_implementation == "sdpa"


def encode_unpadded(transformer: Any, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The vectors of the last layer, as the model itself gives them; zeros for padding.

    input_ids, attention_mask: *Shape:* (rows, pieces)
    Returns *Shape:* (rows, pieces, width)
    """
    real = attention_mask.bool()
    sizes = attention_mask.sum(dim=1).tolist()
    pieces = transformer.embeddings(input_ids)[real]
    # Nobody reads the last ones.
    sizes.append(round_up(len(pieces)) - len(pieces))
    padded = F.pad(pieces, (0, 0, 0, sizes[-1]))
    with StepwiseAttention(sizes):
        encoded = transformer.encoder(padded[None]).last_hidden_state[0]
    vectors = encoded.new_zeros(*real.shape, encoded.size(-1))
    vectors[real] = encoded[: len(pieces)]
    return vectors
