"""What is known of how types relate: broader kinds and synonyms."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from ..errors import Errors

# A type with at least this many narrower kinds is a general one.
GENERAL = 25


@lru_cache(maxsize=100_000)
def key(type_: str) -> str:
    """The form under which types are compared: letter case says nothing."""
    return type_.casefold()


@dataclass(frozen=True)
class Thesaurus:
    """broader: a type's broader kinds, near to far; synonyms: other names of a type.

    Both are keyed by `key(type)`. A broader kind holds for every mention of the type.
    """

    broader_kinds: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    synonym_names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_disk(cls, path: str | Path) -> "Thesaurus":
        """Read lines of type, tab, broader kinds, tab, synonyms; both lists parted by ";".

        Raises ValueError if the file is missing or a line has another form.
        """
        path = Path(path)
        if not path.is_file():
            raise ValueError(Errors.G402.format(path=path))
        broader, synonyms = {}, {}
        with path.open(encoding="utf8") as lines:
            for number, line in enumerate(lines, 1):
                columns = line.rstrip("\n").split("\t")
                if len(columns) != 3 or not columns[0]:
                    raise ValueError(Errors.G403.format(path=path, line=number))
                broader[key(columns[0])] = _names(columns[1])
                synonyms[key(columns[0])] = _names(columns[2])
        return cls(broader, synonyms)

    @cached_property
    def _narrower_counts(self) -> Counter[str]:
        return Counter(key(kind) for kinds in self.broader_kinds.values() for kind in kinds)

    def is_general(self, type_: str) -> bool:
        """Whether many types are kinds of this one, as of person, place or date."""
        return self._narrower_counts[key(type_)] >= GENERAL

    def broader(self, type_: str) -> tuple[str, ...]:
        return self.broader_kinds.get(key(type_), ())

    def synonyms(self, type_: str) -> tuple[str, ...]:
        return self.synonym_names.get(key(type_), ())

    def is_broader(self, type_: str, other: str) -> bool:
        """Whether the type is a broader kind of the other."""
        return key(type_) in map(key, self.broader(other))

    def covers(self, type_: str, marked: Iterable[str]) -> bool:
        """Whether a span that bears the marked types is of this type, itself or by a kind."""
        return any(key(type_) == key(mark) or self.is_broader(type_, mark) for mark in marked)

    def may_hide(self, type_: str, marked: str) -> bool:
        """Whether mentions of the marked type may be of this type, though nobody said so.

        It is so for its synonyms and for its narrower kinds.
        """
        return (
            self.is_broader(marked, type_)
            or key(type_) in map(key, self.synonyms(marked))
            or key(marked) in map(key, self.synonyms(type_))
        )


def _names(column: str) -> tuple[str, ...]:
    return tuple(name for name in map(str.strip, column.split(";")) if name)
