"""Scores of every span and type: sigmoid(span . type) is the probability (GLiNER, section 2.2)."""

from typing import Protocol, cast

import catalogue
import torch
from torch import Tensor, nn
from torch.nn import functional as F

Feedforward = tuple[nn.Linear, nn.ReLU, nn.Dropout, nn.Linear]

span_scorers = catalogue.create("spacy_gliner", "span_scorers", entry_points=True)


class SpanScorer(Protocol):
    """Scores spans. Others can be added to the `span_scorers` registry: `span_mode` names them."""

    def __call__(self, words: Tensor, types: Tensor) -> Tensor:
        """words: *Shape:* (rows, words, hidden); types: *Shape:* (rows, types, hidden)

        Returns the logits of the spans that begin at each word and have 1 to max_width words. Those
        that pass the end may have any. *Shape:* (rows, words, max_width, types), float32
        """
        ...


def mlp(width_in: int, width_out: int, dropout: float, *, factor: int = 4) -> nn.Sequential:
    """The two-layer feed-forward network of every head."""
    inner = width_out * factor
    return nn.Sequential(
        nn.Linear(width_in, inner), nn.ReLU(), nn.Dropout(dropout), nn.Linear(inner, width_out)
    )


@span_scorers("markerV0")
class MarkerV0(nn.Module):
    """S_ij = FFN(relu([FFN_s(h_i); FFN_e(h_j)])), scored by its inner product with the types.

    The FFN's first matrix is applied to each half of its input once a word, and its second one
    to the types, so no vector of a span is ever made: score(i, j, t) = relu(a_i + b_j) . q_t + c_t
    is the same number.
    """

    def __init__(self, hidden_size: int, max_width: int, dropout: float) -> None:
        super().__init__()
        self.max_width = max_width
        self.project_start = mlp(hidden_size, hidden_size, dropout)
        self.project_end = mlp(hidden_size, hidden_size, dropout)
        self.out_project = mlp(2 * hidden_size, hidden_size, dropout)

    def forward(self, words: Tensor, types: Tensor) -> Tensor:
        first, _, dropout, second = cast(Feedforward, tuple(self.out_project))
        left, right = first.weight.chunk(2, dim=1)
        starts = F.linear(F.relu(self.project_start(words)), left, first.bias)
        ends = F.linear(F.relu(self.project_end(words)), right)
        queries = (types @ second.weight).transpose(1, 2)
        offsets = (types @ second.bias)[:, None]
        # Ends beyond the last word are zeros, so that every width is a product of one shape.
        ends = F.pad(ends, (0, 0, 0, self.max_width - 1))
        n_words = words.size(1)
        scores = [
            dropout(F.relu(starts + ends[:, width : width + n_words])) @ queries
            for width in range(self.max_width)
        ]
        return (torch.stack(scores, dim=2) + offsets[:, None]).float()


@span_scorers("marker")
class Marker(nn.Module):
    """S_ij = W relu([FFN_s(h_i); FFN_e(h_j)]), scored by its inner product with the types.

    Nothing stands between W and the inner product, so that the score is a sum of what the first
    word gives and what the last one gives: score(i, j, t) = a_it + b_jt + c_t.
    """

    def __init__(self, hidden_size: int, max_width: int, dropout: float) -> None:
        super().__init__()
        self.max_width = max_width
        self.project_start = mlp(hidden_size, hidden_size, dropout, factor=2)
        self.project_end = mlp(hidden_size, hidden_size, dropout, factor=2)
        self.out_project = nn.Linear(2 * hidden_size, hidden_size)

    def forward(self, words: Tensor, types: Tensor) -> Tensor:
        left, right = self.out_project.weight.chunk(2, dim=1)
        offsets = (types @ self.out_project.bias)[:, None]
        starts = F.relu(self.project_start(words)) @ (types @ left).transpose(1, 2) + offsets
        ends = F.relu(self.project_end(words)) @ (types @ right).transpose(1, 2)
        ends = F.pad(ends, (0, 0, 0, self.max_width - 1))
        n_words = words.size(1)
        scores = [starts + ends[:, width : width + n_words] for width in range(self.max_width)]
        return torch.stack(scores, dim=2).float()


class TokenScorer(nn.Module):
    """Whether a word begins a span of a type, ends one, and lies in one (span_mode "token_level").

    The first layer reads [u; v; u' * v'] of a word and a type. It is applied to each part apart,
    and so to u once a word and to v once a type; one type at a time, which bounds the memory.
    """

    def __init__(self, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.proj_token = nn.Linear(hidden_size, 2 * hidden_size)
        self.proj_label = nn.Linear(hidden_size, 2 * hidden_size)
        self.out_mlp = nn.Sequential(
            nn.Linear(3 * hidden_size, 4 * hidden_size),
            nn.Dropout(dropout),
            nn.ReLU(),
            nn.Linear(4 * hidden_size, 3),
        )

    def forward(self, words: Tensor, types: Tensor) -> Tensor:
        """words: *Shape:* (rows, words, hidden); types: *Shape:* (rows, types, hidden)

        Returns logits of beginning, end and inside. *Shape:* (rows, words, 3, types), float32
        """
        first = cast(nn.Linear, self.out_mlp[0])
        of_word, of_type, of_both = first.weight.chunk(3, dim=1)
        word, word_factor = self.proj_token(words).chunk(2, dim=-1)
        type_, type_factor = self.proj_label(types).chunk(2, dim=-1)
        word = F.linear(word, of_word, first.bias)
        type_ = F.linear(type_, of_type)
        parts = [(type_, type_factor)]
        # A graph for other runtimes serves any number of types, and so takes them all at once.
        if not torch.onnx.is_in_onnx_export():
            parts = list(zip(type_.split(1, dim=1), type_factor.split(1, dim=1), strict=True))
        scores = [
            self.out_mlp[1:](
                word[:, :, None]
                + type_[:, None]
                + F.linear(word_factor[:, :, None] * type_factor[:, None], of_both)
            )
            for type_, type_factor in parts
        ]
        return torch.cat(scores, dim=2).transpose(2, 3).float()
