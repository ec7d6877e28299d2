"""Candidates, the scored spans that leave the network, and the choice of those to keep."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from ..errors import Errors

MODES = ("flat", "nested", "multi_label")


@dataclass(frozen=True, eq=False)
class Candidates:
    """Spans of one document with a type and a score. Four arrays of *Shape:* (candidates,)

    start, end: words (or tokens; the functions here do not care), end exclusive. int32
    type: position in the label set. int32
    score: float32
    """

    start: np.ndarray
    end: np.ndarray
    type: np.ndarray
    score: np.ndarray

    @classmethod
    def empty(cls) -> "Candidates":
        none = np.zeros(0, dtype=np.int32)
        return cls(none, none, none, none.astype(np.float32))

    @classmethod
    def concatenate(cls, parts: Iterable["Candidates"]) -> "Candidates":
        parts = [cls.empty(), *parts]
        return cls(
            np.concatenate([part.start for part in parts]),
            np.concatenate([part.end for part in parts]),
            np.concatenate([part.type for part in parts]),
            np.concatenate([part.score for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.start)

    def __getitem__(self, rows: np.ndarray) -> "Candidates":
        """Select by a mask or by row numbers."""
        return Candidates(self.start[rows], self.end[rows], self.type[rows], self.score[rows])

    def shift(self, *, words: int = 0, types: int = 0) -> "Candidates":
        """From positions in a window, and in a part of the labels, to those in the whole."""
        start, end = self.start + words, self.end + words
        return replace(self, start=start, end=end, type=self.type + types)


def merge(candidates: Candidates) -> Candidates:
    """Keep the best score where windows or passes found one span and type more than once.

    Returns candidates in order of start, end, type.
    """
    c = candidates[
        np.lexsort((-candidates.score, candidates.type, candidates.end, candidates.start))
    ]
    repeated = (c.start[1:] == c.start[:-1]) & (c.end[1:] == c.end[:-1])
    repeated &= c.type[1:] == c.type[:-1]
    return c[~np.concatenate([np.zeros(min(len(c), 1), dtype=bool), repeated])]


def decode(candidates: Candidates, mode: str) -> Candidates:
    """Choose greedily, best score first; ties in order of start, width, type (GLiNER, section 2).

    mode: "flat", no kept spans share a word; "nested", they share words only if one lies inside
        the other, and no two have the same boundaries; "multi_label", as nested, but a span may
        bear several types.
    Returns the kept candidates in order of start, end, type, whatever order they came in.
    Raises ValueError [G001] for any other mode.
    """
    if mode not in MODES:
        choices = ", ".join(MODES)
        raise ValueError(Errors.G001.format(setting="mode", value=mode, choices=choices))
    found = merge(candidates)
    # Merged ones are in order of start, width, type already: a stable sort leaves ties so.
    best_first = np.argsort(-found.score, kind="stable")
    ranked = found[best_first]
    spans = list(zip(ranked.start.tolist(), ranked.end.tolist(), strict=True))
    kept = _flat(spans) if mode == "flat" else _nested(spans, one_type=mode == "nested")
    return found[np.sort(best_first[kept])]


def join_adjacent(candidates: Candidates) -> Candidates:
    """Join neighbours of one type to one span, with the lowest of their scores.

    For models whose spans are single words (max_width 1, as in NuNER Zero).
    """
    c = candidates[np.lexsort((candidates.start, candidates.type))]
    if not len(c):
        return c
    apart = (c.type[1:] != c.type[:-1]) | (c.start[1:] != c.end[:-1])
    (first,) = np.nonzero(np.concatenate([[True], apart]))
    last = np.append(first[1:], len(c)) - 1
    lowest = np.minimum.reduceat(c.score, first)
    return merge(Candidates(c.start[first], c.end[last], c.type[first], lowest))


def _flat(spans: list[tuple[int, int]]) -> list[int]:
    """Rows of the spans, taken in order, that share no word with one taken before."""
    taken = bytearray(max((end for _, end in spans), default=0))
    kept: list[int] = []
    for row, (start, end) in enumerate(spans):
        if not any(taken[start:end]):
            taken[start:end] = b"\x01" * (end - start)
            kept.append(row)
    return kept


def _nested(spans: list[tuple[int, int]], *, one_type: bool) -> list[int]:
    """Rows of the spans, taken in order, that cross none taken before.

    one_type: nor have the same boundaries as one.

    A span crosses another if one boundary of the other lies strictly inside it and the other one
    outside. So it is enough to know for each position how far the spans taken reach that start
    there, and how far back those that end there.
    """
    size = max((end for _, end in spans), default=0) + 1
    furthest_end = [0] * size
    furthest_start = [size] * size
    taken: set[tuple[int, int]] = set()
    kept: list[int] = []
    for row, (start, end) in enumerate(spans):
        inside = slice(start + 1, end)
        if one_type and (start, end) in taken:
            continue
        if max(furthest_end[inside], default=end) > end:
            continue
        if min(furthest_start[inside], default=start) < start:
            continue
        furthest_end[start] = max(furthest_end[start], end)
        furthest_start[end] = min(furthest_start[end], start)
        taken.add((start, end))
        kept.append(row)
    return kept
