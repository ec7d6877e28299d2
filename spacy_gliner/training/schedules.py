"""Learning rates for `[training.optimizer.learn_rate]`."""

from collections.abc import Iterator
from math import cos, pi


def make_warmup_cosine(initial_rate: float, warmup_steps: int, total_steps: int) -> Iterator[float]:
    """Up to the initial rate in a line, then down to zero along a cosine, where it stays.

    (`spacy_gliner.warmup_cosine.v1`)
    """
    step = 0
    while True:
        warmup = min(1.0, (step + 1) / max(1, warmup_steps))
        progress = min(1.0, step / max(1, total_steps))
        yield initial_rate * warmup * 0.5 * (1 + cos(pi * progress))
        step += 1
