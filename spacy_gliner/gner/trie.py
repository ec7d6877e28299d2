"""The tags that may follow, as choices between their word pieces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..errors import Errors
from .bio import OUTSIDE
from .target import TargetPieces


@dataclass(frozen=True, eq=False)
class Choice:
    """A place where tags part.

    path: the pieces that lead there, from where the tag begins.
    branches: what follows by the next piece: another choice, or the tag that is meant.
    """

    path: tuple[int, ...]
    branches: Mapping[int, "Choice | str"]


class TagTrie:
    """The legal tags of a label set: O, B of any label, I of the entity that is open.

    labels: at least one.
    pieces: of each tag. outside, inside: the first pieces of O and of I.
    begun: the pieces that every B begins with; none if there is nothing to choose behind them.
    Raises ValueError: [G510] if the first piece does not tell O, B and I apart; [G516] for a label
    whose tag goes on where another one has ended.
    """

    def __init__(self, labels: Sequence[str], target: TargetPieces) -> None:
        self._labels = tuple(labels)
        tags = (OUTSIDE, *(f"{part}-{label}" for label in labels for part in "BI"))
        self.pieces = {tag: target.tag(tag) for tag in tags}
        first = {part: {p[0] for t, p in self.pieces.items() if t[0] == part} for part in "OBI"}
        if sum(map(len, first.values())) > len(set().union(*first.values())):
            raise ValueError(Errors.G510.format(tokenizer=target.name))
        (self.outside,) = first["O"]
        self.inside = frozenset(first["I"])
        self.after = lru_cache(maxsize=None)(self._after)
        choices = [c for c in self.after(None).branches.values() if isinstance(c, Choice)]
        self.begun = choices[0].path if len(choices) == 1 else ()

    @property
    def ids(self) -> list[int]:
        """All pieces that can be chosen."""
        return sorted(set().union(*self.pieces.values()))

    def _after(self, label: str | None) -> Choice:
        """The choice at a word behind one of an entity of this label, or of none."""
        tags = [OUTSIDE, *(f"B-{each}" for each in self._labels)]
        root = self._choice(tags if label is None else [*tags, f"I-{label}"], 0)
        assert isinstance(root, Choice)
        return root

    def _choice(self, tags: Sequence[str], depth: int) -> Choice | str:
        """Where these tags part, whose first `depth` pieces are the same."""
        if len(tags) == 1:
            return tags[0]
        branches: dict[int, list[str]] = {}
        for tag in tags:
            if len(self.pieces[tag]) == depth:
                raise ValueError(Errors.G516.format(label=tag[2:], others=_labels(tags, tag)))
            branches.setdefault(self.pieces[tag][depth], []).append(tag)
        if len(branches) == 1:
            return self._choice(tags, depth + 1)
        path = self.pieces[tags[0]][:depth]
        parts = {piece: self._choice(own, depth + 1) for piece, own in branches.items()}
        return Choice(path, parts)


def _labels(tags: Sequence[str], but: str) -> list[str]:
    return [tag[2:] for tag in tags if tag != but]
