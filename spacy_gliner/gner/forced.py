"""Forced decoding: the words are given, and only their tags are chosen.

The beam runs over words, not over word pieces: hypotheses are ranked by the sum of their tags'
log-probabilities, so labels of many pieces are at no disadvantage. What a tag's pieces may be is
known, so the probabilities of all legal tags at a word add up to 1.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nlargest
from math import exp, prod
from typing import NamedTuple

import numpy as np

from .bio import OUTSIDE, tags_to_spans
from .trie import Choice, TagTrie

Pieces = Sequence[int]


@dataclass(frozen=True, eq=False)
class Text:
    """chunks: the pieces of each word, to where its tag is chosen.
    start: where the target begins in its row. lead: the pieces that it begins with.
    """

    chunks: Sequence[Pieces]
    tags: TagTrie
    start: int
    lead: Pieces


@dataclass(frozen=True)
class Settings:
    """beam: how many hypotheses of a text are followed.
    outside_bias: added to the logit of O.
    draft: how many words at most are read as O before their tags are known; only if beam is 1.
    """

    beam: int
    outside_bias: float
    draft: int


class Request(NamedTuple):
    """What a search wants to be read: a chunk for each of its rows.

    parents: for each row, the one of the last request that it goes on from.
    starts: where each chunk begins in its row.
    ends: for each chunk, the pieces of it behind which logits are wanted.
    """

    parents: Sequence[int]
    starts: Sequence[int]
    chunks: Sequence[Pieces]
    ends: Sequence[Sequence[int]]


# For each row of a request, logits at each of its ends. *Shape:* rows x (ends, columns)
Answer = Sequence[np.ndarray]


class Tagged(NamedTuple):
    """The tag of a word, given those before it.

    going_on: the probability that the entity before it went on here.
    """

    tag: str
    log_probability: float
    going_on: float


@dataclass(frozen=True)
class Hypothesis:
    """Tags of the first words."""

    tags: tuple[Tagged, ...] = ()
    log_probability: float = 0.0

    @property
    def open_label(self) -> str | None:
        """The label of the entity that may go on."""
        last = self.tags[-1].tag if self.tags else OUTSIDE
        return None if last == OUTSIDE else last[2:]

    def extend(self, tagged: Tagged) -> "Hypothesis":
        return Hypothesis((*self.tags, tagged), self.log_probability + tagged.log_probability)

    def spans(self) -> list[tuple[int, int, str, float]]:
        """First word, one after the last, label, and probability of each entity.

        The probability is that all its words have their tags and that it ends where it does, given
        the tags before it.
        """
        ends = [*(1 - tagged.going_on for tagged in self.tags[1:]), 1.0]
        return [
            (start, end, label, ends[end - 1] * prod(exp(t[1]) for t in self.tags[start:end]))
            for start, end, label in tags_to_spans([tagged.tag for tagged in self.tags])
        ]


class _Item(NamedTuple):
    """A hypothesis (by its row) with a tag, or with the first pieces of one.

    log_probability: of these pieces. total: that of the hypothesis too.
    """

    total: float
    row: int
    log_probability: float
    going_on: float
    next: Choice | str


class Search:
    """The search for the tags of one text.

    columns: of the logits, for each piece.
    """

    def __init__(self, text: Text, settings: Settings, columns: Mapping[int, int]) -> None:
        self._text = text
        self._settings = settings
        self._columns = columns

    def run(self) -> Generator[Request, Answer, Hypothesis]:
        """Asks for logits until all words have tags; returns the best hypothesis."""
        tags, n_words = self._text.tags, len(self._text.chunks)
        beam, parents, starts = [Hypothesis()], [0], [self._text.start]
        pending: list[Pieces] = [self._text.lead]
        ahead = 0
        while (word := len(beam[0].tags)) < n_words:
            ahead = min(ahead, n_words - word - 1)
            chunks, ends = self._chunks(word, ahead, pending)
            answer = yield Request(parents, starts, chunks, ends)
            if self._settings.beam == 1:
                beam = [self._accept(beam[0], answer[0][: ahead + 1])]
            decided = len(beam[0].tags) - word
            place = min(decided, ahead)
            starts = [start + own[place] + 1 for start, own in zip(starts, ends, strict=True)]
            if decided > ahead:
                parents, pending = [0], [tags.pieces[OUTSIDE]]
                ahead = min(2 * ahead + 1, self._settings.draft)
            else:
                logits = [(own[place], own[ahead + 1 :][: place == ahead]) for own in answer]
                items = yield from self._choose(beam, starts, logits)
                beam = [beam[i.row].extend(Tagged(str(i.next), *i[2:4])) for i in items]
                parents, starts = [i.row for i in items], [starts[i.row] for i in items]
                pending = [tags.pieces[str(i.next)] for i in items]
                ahead //= 4
        return beam[0]

    def _chunks(
        self, word: int, ahead: int, pending: Sequence[Pieces]
    ) -> tuple[list[Pieces], list[list[int]]]:
        """What is read at a word and at those drafted, and where their tags are chosen.

        Behind the last, what every B goes on with, for then its label is chosen too.
        """
        outside, begun = self._text.tags.pieces[OUTSIDE], self._text.tags.begun
        first, *drafted = self._text.chunks[word : word + ahead + 1]
        parts = [first, *((*outside, *chunk) for chunk in drafted), *([begun] if begun else [])]
        lengths = np.cumsum([len(part) for part in parts])
        behind = [piece for part in parts for piece in part]
        return (
            [[*pieces, *behind] for pieces in pending],
            [(len(pieces) + lengths - 1).tolist() for pieces in pending],
        )

    def _accept(self, hypothesis: Hypothesis, logits: np.ndarray) -> Hypothesis:
        """Take O for as long as it is likelier than anything that B or I could lead to."""
        for own in logits:
            items = self._items(hypothesis, 0, own)
            best = max(items, key=lambda item: item.total)
            if best.next != OUTSIDE:
                break
            hypothesis = hypothesis.extend(Tagged(OUTSIDE, *best[2:4]))
        return hypothesis

    def _choose(
        self,
        beam: Sequence[Hypothesis],
        starts: Sequence[int],
        logits: Sequence[tuple[np.ndarray, np.ndarray]],
    ) -> Generator[Request, Answer, list[_Item]]:
        """The best tags of the next word: the likeliest first, over all hypotheses.

        The first pieces of a tag are no less likely than the whole. So they are followed only while
        they are among the best.
        logits: of each hypothesis where the tag begins, and where B has, if that was read.
        """
        items = []
        for row, (hypothesis, (first, begun)) in enumerate(zip(beam, logits, strict=True)):
            for item in self._items(hypothesis, row, first):
                known = len(begun) and _path(item) == self._text.tags.begun
                items += self._branch(item, begun[0]) if known else [item]
        while True:
            best = nlargest(self._settings.beam, items, key=lambda item: item.total)
            # Of each row one at a time, since what is read here stands where the row goes on.
            asked = {i.row: i for i in reversed(best) if isinstance(i.next, Choice)}
            if not asked:
                return best
            paths = [_path(asked.get(row)) for row in range(len(beam))]
            ends = [[len(path) - 1] if path else [] for path in paths]
            answer = yield Request(range(len(beam)), starts, paths, ends)
            items = [item for item in items if item is not asked.get(item.row)]
            for row, item in asked.items():
                items += self._branch(item, answer[row][0])

    def _items(self, hypothesis: Hypothesis, row: int, logits: np.ndarray) -> list[_Item]:
        """What a word's tag may begin with."""
        tags = self._text.tags
        root = tags.after(hypothesis.open_label)
        whole = _Item(hypothesis.log_probability, row, 0.0, 0.0, root)
        items = self._branch(whole, logits, outside_bias=self._settings.outside_bias)
        pairs = zip(root.branches, items, strict=True)
        going_on = sum(exp(item.log_probability) for piece, item in pairs if piece in tags.inside)
        return [item._replace(going_on=going_on) for item in items]

    def _branch(self, item: _Item, logits: np.ndarray, *, outside_bias: float = 0.0) -> list[_Item]:
        """An item with each of the pieces that can come next."""
        assert isinstance(item.next, Choice)
        branches = item.next.branches
        own = logits[[self._columns[piece] for piece in branches]].astype(np.float64)
        own += [outside_bias * (piece == self._text.tags.outside) for piece in branches]
        own -= np.logaddexp.reduce(own)
        return [
            item._replace(
                total=item.total + logit, log_probability=item.log_probability + logit, next=next_
            )
            for logit, next_ in zip(own.tolist(), branches.values(), strict=True)
        ]


def _path(item: _Item | None) -> Pieces:
    return item.next.path if item is not None and isinstance(item.next, Choice) else ()
