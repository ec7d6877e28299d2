"""From logits to candidates: what leaves torch is the few spans above the threshold."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from .decode import Candidates

Thresholds = Sequence[Sequence[float]]


def span_candidates(logits: Tensor, thresholds: Thresholds) -> list[Candidates]:
    """The spans whose probability is strictly above the threshold of their type, for each row.

    logits: *Shape:* (rows, words, max_width, types)
    thresholds: one for each type of each row, which may have fewer types than the batch.
    """
    scores = logits.sigmoid()
    limits = _limits(logits, thresholds)
    found = (scores > limits[:, None, None].to(scores.device)).nonzero(as_tuple=True)
    score = scores[found].float().cpu().numpy()
    owner, start, width, type_ = (index.cpu().int().numpy() for index in found)
    every = Candidates(start, start + width + 1, type_, score)
    return [every[owner == row] for row in range(len(logits))]


def token_candidates(logits: Tensor, thresholds: Thresholds) -> list[Candidates]:
    """The same by the scores of words: a span's is the lowest of its words' scores for their place.

    A span may have any length. logits of beginning, end, inside: *Shape:* (rows, words, 3, types)
    """
    scores = logits.sigmoid().cpu().numpy()
    limits = _limits(logits, thresholds).numpy()
    return [
        Candidates.concatenate(
            _spans_from(*row[start:, :, type_].T, start=start, type_=type_, limit=limit[type_])
            for start, type_ in np.argwhere(row[:, 0] > limit)
        )
        for row, limit in zip(scores, limits, strict=True)
    ]


def _spans_from(
    begin: np.ndarray,
    end: np.ndarray,
    inside: np.ndarray,
    *,
    start: int,
    type_: int,
    limit: float,
) -> Candidates:
    """The spans of a type that begin at a word; scores are those of this word and the next ones."""
    (outside,) = np.nonzero(inside <= limit)
    reach = outside[0] if len(outside) else len(inside)
    (last,) = np.nonzero(end[:reach] > limit)
    lowest = np.minimum.accumulate(inside[:reach])[last]
    score = np.minimum(np.minimum(lowest, end[last]), begin[0])
    ends = (start + last + 1).astype(np.int32)
    return Candidates(np.full_like(ends, start), ends, np.full_like(ends, type_), score)


def _limits(logits: Tensor, thresholds: Thresholds) -> Tensor:
    """The thresholds as a tensor; 1, which no score exceeds, where a row has fewer types.

    *Shape:* (rows, types)
    """
    limits = torch.ones(len(logits), logits.size(-1))
    for limit, given in zip(limits, thresholds, strict=True):
        limit[: len(given)] = torch.tensor(given)
    return limits
