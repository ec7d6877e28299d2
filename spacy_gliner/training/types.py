"""Which types a row is asked for, and what is true of them.

Positive types are those marked on its spans, and the broader kinds of these; negative ones are
types known to be absent and types of other passages (GLiNER, section 3.2: sampled negatives,
shuffled and dropped types).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

import numpy as np

from ..corpus.passage import Passage
from .rows import Row
from .settings import BaseTrainingSettings
from .thesaurus import Thesaurus, key


@dataclass(frozen=True)
class Question:
    """A row's prompt and its answer.

    types: as the model reads them.
    positives: (start, end, type index), in words of the row, end exclusive.
    known: for each passage of the row and each type, whether a span that is not positive is
        known to be negative. *Shape:* (passages, types)
    """

    row: Row
    types: tuple[str, ...]
    positives: tuple[tuple[int, int, int], ...]
    known: np.ndarray


class TypePool:
    """Types of the open passages seen so far, to draw negatives from.

    Each type counts a few times at most: frequent types are general ones, which may be true of
    something in a passage that was not annotated for them.
    """

    def __init__(self, max_repeats: int = 6) -> None:
        self._max_repeats = max_repeats
        self._counts: Counter[str] = Counter()
        self._types: list[str] = []

    def add(self, passage: Passage) -> None:
        if passage.label_set:
            return
        for type_ in sorted({type_ for *_, type_ in passage.spans}):
            if self._counts[type_] < self._max_repeats:
                self._counts[type_] += 1
                self._types.append(type_)

    def draw(self, n: int, rng: Random) -> list[str]:
        return rng.sample(self._types, min(n, len(self._types)))


class Questioner:
    """Asks rows for types, by the settings."""

    def __init__(self, settings: BaseTrainingSettings, thesaurus: Thesaurus, rng: Random) -> None:
        self.settings = settings
        self.thesaurus = thesaurus
        self.pool = TypePool()
        self._rng = rng

    def ask(self, row: Row) -> Question:
        types = self._choose(row)
        return Question(
            row=row,
            types=self._show(types),
            positives=tuple(self._positives(row, types)),
            known=np.array([self._known(passage, types) for passage in row.passages], dtype=bool),
        )

    # Which types

    def _choose(self, row: Row) -> list[str]:
        rng, settings = self._rng, self.settings
        closed = row.passages[0].label_set
        marked = unique(type_ for passage in row.passages for *_, type_ in passage.spans)
        rng.shuffle(marked)
        if not closed and self._chance(settings.widening):
            marked = self._widen(marked)
        if len(marked) > 2 and self._chance(settings.type_dropout):
            marked = marked[: rng.randint(1, len(marked))]
        room = rng.randint(min(5, settings.max_types), settings.max_types)
        asked = marked[: max(1, room - 1)]  # the last place is a negative's
        absent = [type_ for passage in row.passages for type_ in passage.absent]
        rng.shuffle(absent)
        negatives = [*closed, *absent]
        if closed:
            rng.shuffle(negatives)
        n_negatives = self._n_negatives(len(asked), len(closed))
        if not closed:
            negatives += self.pool.draw(n_negatives, rng)
            if self._chance(0.4):
                rng.shuffle(negatives)
        taken = {key(type_) for type_ in marked}
        negatives = [t for t in unique(negatives) if key(t) not in taken]
        asked += negatives[: min(n_negatives, room - len(asked))]
        rng.shuffle(asked)
        return asked

    def _n_negatives(self, n_positives: int, n_closed: int) -> int:
        """Around the settings' share; half of the closed sets are asked for as a whole."""
        if n_closed and self._chance(0.5):
            return n_closed
        ratio = self.settings.negative_ratio
        return round(n_positives * ratio / (1 - ratio) * self._rng.uniform(0.4, 1.6)) + 1

    def _widen(self, marked: list[str]) -> list[str]:
        """Add one to three broader kinds; half of them take the place of the kinds under them."""
        kinds = [kind for type_ in marked for kind in self.thesaurus.broader(type_)]
        for kind in unique(self._rng.choices(kinds, k=self._rng.randint(1, 3)) if kinds else ()):
            if self._chance(0.5):
                marked = [t for t in marked if not self.thesaurus.is_broader(kind, t)]
            marked.insert(self._rng.randint(0, len(marked)), kind)
        return unique(marked)

    # What is true of them

    def _positives(self, row: Row, types: list[str]) -> Iterable[tuple[int, int, int]]:
        special = self._chance(self.settings.special_type_wins)
        for offset, passage in zip(row.starts, row.passages, strict=True):
            bearing: dict[tuple[int, int], list[str]] = {}
            for start, end, type_ in passage.spans:
                bearing.setdefault((start, end), []).append(type_)
            for (start, end), marks in bearing.items():
                for index in self._fitting(types, marks, special):
                    yield offset + start, offset + end, index

    def _fitting(self, types: list[str], marks: list[str], special: bool) -> list[int]:
        """The asked types that a span with these marks is of; of two kinds only the narrower."""
        fitting = [i for i, type_ in enumerate(types) if self.thesaurus.covers(type_, marks)]
        if not special:
            return fitting
        return [
            i
            for i in fitting
            if not any(self.thesaurus.is_broader(types[i], types[j]) for j in fitting)
        ]

    def _known(self, passage: Passage, types: list[str]) -> list[bool]:
        """Of each type, whether the passage's other spans are known not to be of it."""
        stated = {key(type_) for type_ in (*passage.label_set, *passage.absent)}
        marked = {mark for *_, mark in passage.spans}
        return [
            key(type_) in stated
            or self.thesaurus.covers(type_, marked)
            or (not passage.label_set and self._is_foreign(type_, marked))
            for type_ in types
        ]

    def _is_foreign(self, type_: str, marked: set[str]) -> bool:
        """Whether an open passage that does not mention the type can be taken not to have it.

        A general type may be true of something that nobody thought of marking.
        """
        return not self.thesaurus.is_general(type_) and not any(
            self.thesaurus.may_hide(type_, mark) for mark in marked
        )

    # How they are shown

    def _show(self, types: list[str]) -> tuple[str, ...]:
        shown = [self._rename(type_) for type_ in types]
        if self._chance(self.settings.capitals):
            capitalise = self._rng.choice((str.capitalize, str.title))
            shown = [capitalise(type_) for type_ in shown]
        return tuple(shown if len(set(map(key, shown))) == len(shown) else types)

    def _rename(self, type_: str) -> str:
        names = self.thesaurus.synonyms(type_)
        return self._rng.choice(names) if names and self._chance(self.settings.renaming) else type_

    def _chance(self, probability: float) -> bool:
        return self._rng.random() < probability


def unique(types: Iterable[str]) -> list[str]:
    """Types without repetitions, in order, whatever their letter case."""
    return list({key(type_): type_ for type_ in types}.values())
