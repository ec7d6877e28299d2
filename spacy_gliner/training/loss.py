"""From logits and answers to a loss."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from .types import Question

# The loss of a batch is divided by its number of positives, or by this if it has fewer.
MIN_POSITIVES = 8


def targets(questions: Sequence[Question], logits: Tensor) -> tuple[Tensor, Tensor]:
    """What the probability of each span and type should be, and which of them are known.

    A span belongs to the passage that it begins in. Spans longer than max_width have no logit;
    they are counted where passages are read.

    *Shape:* (rows, words, max_width, types), (rows, words, 1, types)
    """
    n_rows, n_words, max_width, n_types = logits.shape
    truth = np.zeros(logits.shape, dtype=np.float32)
    known = np.zeros((n_rows, n_words, 1, n_types), dtype=np.float32)
    for index, question in enumerate(questions):
        lengths = [len(passage.words) for passage in question.row.passages]
        types = len(question.types)
        known[index, : sum(lengths), 0, :types] = np.repeat(question.known, lengths, axis=0)
        for start, end, type_ in question.positives:
            if end - start <= max_width:
                truth[index, start, end - start - 1, type_] = 1.0
    return torch.from_numpy(truth).to(logits.device), torch.from_numpy(known).to(logits.device)


def count_positives(questions: Sequence[Question]) -> int:
    return max(sum(len(question.positives) for question in questions), MIN_POSITIVES)


def loss_and_gradient(
    logits: Tensor, truth: Tensor, known: Tensor, *, focus: float
) -> tuple[float, Tensor]:
    """Summed binary cross-entropy over the known spans and types, and its gradient.

    focus: the exponent of the focal loss (arXiv 1708.02002), which makes sure decisions count
        less; 0 is plain cross-entropy.
    """
    logits = logits.detach().requires_grad_(True)
    with torch.enable_grad():
        losses = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        if focus:
            error = (torch.sigmoid(logits) - truth).abs()
            losses = losses * error**focus
        # A positive counts even where nothing else is known of its type.
        total = (losses * torch.maximum(known, truth)).sum()
    (gradient,) = torch.autograd.grad(total, logits)
    return total.item(), gradient
