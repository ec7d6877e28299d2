"""What a contender is given, and what it does with it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from spacy_gliner.corpus.passage import Passage

# As in configs/finetune.cfg: the head learns faster than the encoder.
ENCODER_RATE, HEAD_RATE = 2e-5, 3.0
WEIGHT_DECAY, GRADIENT_NORM = 0.01, 1.0

WORD_EMBEDDINGS = "word_embeddings"

Batch = tuple[Passage, ...]


@dataclass(frozen=True)
class Job:
    """folder: the checkpoint. threads: of torch. batches: the passages of each step, which are
    asked for the types of their label set, in its order.
    """

    folder: Path
    precision: str
    threads: int
    batches: tuple[Batch, ...]


@dataclass(frozen=True)
class Outcome:
    """What a batch teaches.

    loss: the sum over all spans and types.
    gradient: the norm of its gradient, word embeddings left out.
    """

    loss: float
    gradient: float


@dataclass(frozen=True)
class Training:
    """run: a step for each batch, which is what is timed.

    probe: what the first batch teaches with a row a passage; changes nothing.
    """

    run: Callable[[], None]
    probe: Callable[[], Outcome]


def gradient_norm(network: nn.Module) -> float:
    """Of all weights but word embeddings."""
    gradients = [
        parameter.grad.norm()
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and WORD_EMBEDDINGS not in name
    ]
    return torch.stack(gradients).norm().item()
