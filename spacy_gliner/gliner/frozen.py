"""The network as it is used for inference on a CPU: what depends on its weights alone is computed.

A frozen network gives the same logits, but for rounding, and cannot learn.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..precision import PackedLSTM, in_precision, product, sharing_copy
from .encoder import PieceEncoder
from .network import GLiNERNetwork
from .packed import packed
from .pieces import round_up
from .scorers import Feedforward, MarkerV0

# Words whose spans are scored at once: what they need stays in the processor's cache.
WORDS = 32


@torch.no_grad()
def freeze(network: GLiNERNetwork, precision: str) -> GLiNERNetwork:
    """A copy for inference. Labels that are read apart from the text are read as before, once."""
    keep: list[nn.Module] = [] if network.label_encoder is None else [network.label_encoder]
    frozen = cast(GLiNERNetwork, sharing_copy(network, keep=keep))
    encoder = frozen.encoder
    if isinstance(encoder, PieceEncoder):
        if encoder.fuser is None:
            encoder.transformer = packed(encoder.transformer)
            if isinstance(encoder.projection, nn.Linear):
                encoder.projection = Rounded(encoder.projection)
        else:  # which mixes the states of all layers
            keep += [encoder.transformer, encoder.fuser]
    frozen.types = Rounded(frozen.types)
    if isinstance(frozen.scorer, MarkerV0):
        frozen.scorer = SpanProducts(frozen.scorer)
    else:
        keep.append(frozen.scorer)
        frozen.scorer = FullPrecision(frozen.scorer)
    frozen = in_precision(frozen, precision, keep=keep)
    if frozen.words is not None:
        for direction, lstm in [*frozen.words.named_children()]:
            setattr(frozen.words, direction, PackedLSTM(cast(nn.LSTM, lstm)))
    return frozen


class SpanProducts(nn.Module):
    """`MarkerV0` for inference, some words at a time."""

    def __init__(self, scorer: MarkerV0) -> None:
        super().__init__()
        first, _, _, second = cast(Feedforward, tuple(scorer.out_project))
        left, right = first.weight.chunk(2, dim=1)
        self.max_width = scorer.max_width
        self.start = Rounded(*scorer.project_start, nn.ReLU(), _linear(left, first.bias))
        self.end = Rounded(*scorer.project_end, nn.ReLU(), _linear(right))
        self.query = Rounded(_linear(second.weight.T))
        self.bias = second.bias

    def forward(self, words: Tensor, types: Tensor) -> Tensor:
        """As `MarkerV0`."""
        # Only large products are faster in bfloat16.
        starts, ends = self.start(words).float(), self.end(words).float()
        queries = self.query(types).float().expand(len(words), -1, -1)
        offsets = types.float() @ self.bias
        # Ends beyond the last word are zeros.
        ends = F.pad(ends, (0, 0, 0, self.max_width - 1)).unfold(1, self.max_width, 1)
        rows = zip(starts[:, :, None], ends.transpose(2, 3), queries, strict=True)
        scores = [
            product((start + end).relu_(), query)
            for row_starts, row_ends, query in rows
            for start, end in zip(row_starts.split(WORDS), row_ends.split(WORDS), strict=True)
        ]
        return torch.cat(scores).unflatten(0, words.shape[:2]) + offsets[:, None, None]


class Rounded(nn.Sequential):
    """Layers that treat each vector alone, for those of all rows, padded to a `round_up` number."""

    def forward(self, vectors: Tensor) -> Tensor:
        """*Shape:* (rows, n, inputs) -> (rows, n, outputs)"""
        rows = vectors.flatten(0, 1)
        rounded = F.pad(rows, (0, 0, 0, round_up(len(rows)) - len(rows)))
        return super().forward(rounded)[: len(rows)].unflatten(0, vectors.shape[:2])


class FullPrecision(nn.Module):
    """A scorer of another kind, with inputs as it knows them."""

    def __init__(self, scorer: nn.Module) -> None:
        super().__init__()
        self.scorer = scorer

    def forward(self, words: Tensor, types: Tensor) -> Tensor:
        return self.scorer(words.float(), types.float())


def _linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    linear = nn.Linear(weight.size(1), weight.size(0), bias=bias is not None, device="meta")
    linear.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        linear.bias = nn.Parameter(bias, requires_grad=False)
    return linear
