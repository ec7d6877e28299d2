"""From passages to rows: long passages are cut, short ones share a prompt."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from ..corpus.passage import Passage


@dataclass(frozen=True)
class Row:
    """Passages that are read one after the other under one prompt."""

    passages: tuple[Passage, ...]

    @property
    def words(self) -> list[str]:
        return [word for passage in self.passages for word in passage.words]

    @property
    def starts(self) -> list[int]:
        """The first word of each passage within the row."""
        starts, total = [], 0
        for passage in self.passages:
            starts.append(total)
            total += len(passage.words)
        return starts


def slices(passage: Passage, max_words: int) -> Iterator[Passage]:
    """Cut a passage into parts of at most max_words words, near equal in length.

    A cut moves to a place that no span runs across, if there is one: rather back than on.
    """
    n_words = len(passage.words)
    if n_words <= max_words:
        yield passage
        return
    crossed = {word for start, end, _ in passage.spans for word in range(start + 1, end)}
    parts = -(-n_words // max_words)
    start = 0
    while start < n_words:
        even = min(start + -(-n_words // parts), n_words)
        most = min(start + max_words, n_words)
        cuts = [*range(even, start, -1), *range(even + 1, most + 1)]
        end = next((cut for cut in cuts if cut not in crossed), even)
        yield replace(
            passage,
            words=passage.words[start:end],
            spaces=passage.spaces[start:end],
            spans=tuple(
                (s - start, e - start, t) for s, e, t in passage.spans if start <= s and e <= end
            ),
        )
        start = end


def pack(passages: Iterable[Passage], *, max_words: int, rng: Random) -> list[Row]:
    """Put passages together into rows of one random length, up to max_words.

    The prompt is a good part of a short passage's cost. Only passages annotated for the same
    closed label set share a row, or only open ones. One length for all leaves little padding; that
    it is random keeps single short passages frequent, since users have them too.
    """
    length = max(rng.randint(1, max_words), rng.randint(1, max_words))
    rows: list[Row] = []
    groups: dict[tuple[str, ...], list[Passage]] = {}
    for passage in passages:
        groups.setdefault(passage.label_set, []).append(passage)
    for group in groups.values():
        row: list[Passage] = []
        room = 0
        for passage in group:
            if row and len(passage.words) > room:
                rows.append(Row(tuple(row)))
                row = []
            if not row:
                room = length
            row.append(passage)
            room -= len(passage.words)
        rows.append(Row(tuple(row)))
    return rows
