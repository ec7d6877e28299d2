"""What a passage is asked for in an evaluation, and what the right answer is."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from ..corpus.passage import Passage


class Mention(NamedTuple):
    """A typed span, in words, end exclusive. Two mentions are the same if all three agree."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Question:
    """A passage as a model is asked about it.

    words, spaces: the text. labels: the types in the prompt, in its order.
    gold: the right answer, types lower-cased.
    left_out: how many mentions are marked with types that are not asked.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]
    labels: tuple[str, ...]
    gold: frozenset[Mention]
    left_out: int = 0


def asked_labels(passage: Passage) -> tuple[str, ...]:
    """The types to ask a passage for: its closed set, else those marked and those known absent.

    Open types are sorted, so that their order does not tell the marked from the absent.
    """
    if passage.label_set:
        return tuple(dict.fromkeys(passage.label_set))
    return tuple(sorted({label for _, _, label in passage.spans}.union(passage.absent)))


def gold_mentions(passage: Passage, labels: Collection[str]) -> frozenset[Mention]:
    """The marked spans of the given types. Types are compared, and returned, in lower case."""
    asked = {label.lower() for label in labels}
    marked = (Mention(start, end, label.lower()) for start, end, label in passage.spans)
    return frozenset(mention for mention in marked if mention.type in asked)


def question(
    passage: Passage, *, drop_labels: Collection[str] = (), lower_labels: bool = True
) -> Question:
    """Turn a passage into a question.

    drop_labels: types never asked for, in any case. lower_labels: ask in lower case.
    """
    dropped = {label.lower() for label in drop_labels}
    # Types are compared in lower case, so "Person" and "person" would be the same type asked twice.
    asked = {label.lower(): label for label in asked_labels(passage)}
    asked = {key: label for key, label in asked.items() if key not in dropped}
    gold = gold_mentions(passage, asked)
    every = gold_mentions(passage, {label for _, _, label in passage.spans})
    return Question(
        words=passage.words,
        spaces=passage.spaces,
        labels=tuple(asked) if lower_labels else tuple(asked.values()),
        gold=gold,
        left_out=len(every - gold),
    )
