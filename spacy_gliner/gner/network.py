"""What a generative network says of given targets, all pieces at once."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel


@dataclass(frozen=True, eq=False)
class TargetBatch:
    """What the network reads, and what it is to write. Rows are padded on the right.

    An encoder-decoder reads prompts as `inputs`, and targets as `decoder_inputs`, which are moved
    on by one place behind the piece that begins them. A model that has only a decoder reads both as
    one row, and `decoder_inputs` is None.

    inputs: piece ids. mask: 1 for pieces, 0 for padding. *Shape:* (rows, pieces) both
    decoder_inputs: piece ids. *Shape:* (rows, target pieces)
    learned: where in the rows of the decoder it counts what is written next. *Shape:* as these rows
    labels: what is to be written there, row after row. *Shape:* (positions,)
    """

    inputs: Tensor
    mask: Tensor
    decoder_inputs: Tensor | None
    learned: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "TargetBatch":
        return TargetBatch(
            self.inputs.to(device),
            self.mask.to(device),
            None if self.decoder_inputs is None else self.decoder_inputs.to(device),
            self.learned.to(device),
            self.labels.to(device),
        )


def target_logits(network: PreTrainedModel, batch: TargetBatch) -> Tensor:
    """The logits of all pieces of the vocabulary, only where they are learned from.

    Most of the memory of training is logits: so the states at other places are left out before they
    become some. *Shape:* (positions, vocabulary)
    """

    def select(_: nn.Module, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (states[0][batch.learned],)

    decoder = {} if batch.decoder_inputs is None else {"decoder_input_ids": batch.decoder_inputs}
    # The network's own forward scales what goes into the last layer, or what comes out of it.
    with network.get_output_embeddings().register_forward_pre_hook(select):
        return network(
            input_ids=batch.inputs, attention_mask=batch.mask, use_cache=False, **decoder
        ).logits
