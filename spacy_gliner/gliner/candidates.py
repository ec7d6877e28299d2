"""From logits to candidates: what leaves torch is the few spans above the threshold."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ..gliner.decode import Candidates


def candidates(logits: Tensor, thresholds: Sequence[Sequence[float]]) -> list[Candidates]:
    """The spans whose probability is strictly above the threshold of their type, for each row.

    logits: *Shape:* (rows, words, max_width, types)
    thresholds: one for each type of each row, which may have fewer types than the batch.
    """
    rows, _, _, types = logits.shape
    limits = torch.ones(rows, types)
    for limit, given in zip(limits, thresholds, strict=True):
        limit[: len(given)] = torch.tensor(given)
    scores = logits.sigmoid()
    found = (scores > limits[:, None, None].to(scores.device)).nonzero(as_tuple=True)
    score = scores[found].float().cpu().numpy()
    owner, start, width, type_ = (index.cpu().int().numpy() for index in found)
    every = Candidates(start, start + width + 1, type_, score)
    return [every[owner == row] for row in range(rows)]
