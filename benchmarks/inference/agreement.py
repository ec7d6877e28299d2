"""How far two contenders find the same spans, and whether rounding explains the rest."""

from collections.abc import Sequence
from dataclasses import dataclass

# The spans of one text: (first character, the one after the last, label) -> score.
Spans = dict[tuple[int, int, str], float]
Key = tuple[int, int, str]

# Probabilities from two orders of adding up floats differ by less, in deep encoders too.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Agreement:
    """spans: found by either side. shared: found by both.

    unexplained: found by one side only, though rounding does not explain it.
    score: the largest difference between the scores of a span that both found.
    """

    spans: int
    shared: int
    unexplained: int
    score: float

    @property
    def share(self) -> float:
        """The part of all spans that both found; 1 if there is none."""
        return self.shared / self.spans if self.spans else 1.0


def agreement(ours: Sequence[Spans], theirs: Sequence[Spans], *, threshold: float) -> Agreement:
    """Compare flat spans, text by text."""
    pairs = list(zip(ours, theirs, strict=True))
    shared = [(a[span], b[span]) for a, b in pairs for span in a.keys() & b.keys()]
    return Agreement(
        spans=sum(len(a.keys() | b.keys()) for a, b in pairs),
        shared=len(shared),
        unexplained=sum(len(unexplained(a, b, threshold=threshold)) for a, b in pairs),
        score=max((abs(a - b) for a, b in shared), default=0.0),
    )


def unexplained(a: Spans, b: Spans, *, threshold: float) -> set[Key]:
    """Those of one side only that no rounding could have brought about.

    It can where a score is at the threshold, or that of a span of the other side in the same place;
    and what overlaps such a span may have had to give way to it.
    """
    apart = {span: score for span, score in (a | b).items() if (span in a) != (span in b)}
    by_chance = {
        span
        for span, score in apart.items()
        if abs(score - threshold) <= TOLERANCE
        or any(
            abs(score - other) <= TOLERANCE and (span in a) != (rival in a) and overlap(span, rival)
            for rival, other in apart.items()
        )
    }
    left = apart.keys() - by_chance
    while given_way := {span for span in left if any(overlap(span, s) for s in by_chance)}:
        by_chance |= given_way
        left -= given_way
    return set(left)


def overlap(a: Key, b: Key) -> bool:
    return a[0] < b[1] and b[0] < a[1]
