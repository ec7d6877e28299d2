"""Transformers for training on a CPU: rows one after the other, without padding, with gradients."""

from functools import partial
from typing import Any

from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel

from ..attention import rowwise_attention
from ..replaced import Replaced
from .packed import is_bert
from .pieces import round_up


def reads_unpadded(transformer: PreTrainedModel) -> bool:
    """Whether `encode_unpadded` knows the model.

    Gradient checkpointing computes layers again, when where rows end is forgotten.
    """
    config = transformer.config
    is_plain = is_bert(config) and not transformer.is_gradient_checkpointing
    return is_plain and config._attn_implementation == "sdpa"


def encode_unpadded(transformer: Any, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
    """The vectors of the last layer, as the model itself gives them; zeros for padding.

    input_ids, attention_mask: *Shape:* (rows, pieces)
    Returns *Shape:* (rows, pieces, width)
    """
    real = attention_mask.bool()
    pieces = transformer.embeddings(input_ids)[real]
    # A row that nobody reads.
    spare = round_up(len(pieces)) - len(pieces)
    sizes = [*attention_mask.sum(dim=1).tolist(), spare]
    attention = partial(rowwise_attention, sizes)
    with Replaced({F.scaled_dot_product_attention: attention}):
        encoded = transformer.encoder(F.pad(pieces, (0, 0, 0, spare))[None]).last_hidden_state[0]
    vectors = encoded.new_zeros(*real.shape, encoded.size(-1))
    vectors[real] = encoded[: len(pieces)]
    return vectors
