"""Two ways to count: exact spans, and the texts of mentions as GNER's paper does."""

import string
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeVar

from spacy.scorer import PRFScore

from .gold import Mention
from .predict import Answer

_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = frozenset(("a", "an", "the"))


class TypedText(NamedTuple):
    """A mention without its place: what the looser metric compares."""

    text: str
    type: str


_Item = TypeVar("_Item", Mention, TypedText)


def score_by_type(
    pairs: Iterable[tuple[AbstractSet[_Item], AbstractSet[_Item]]],
) -> dict[str, PRFScore]:
    """Count over pairs of (gold, predicted), one a passage. Only types that occur have a score."""
    scores: defaultdict[str, PRFScore] = defaultdict(PRFScore)
    for gold, predicted in pairs:
        for item in predicted & gold:
            scores[item.type].tp += 1
        for item in predicted - gold:
            scores[item.type].fp += 1
        for item in gold - predicted:
            scores[item.type].fn += 1
    return dict(scores)


def micro(by_type: Iterable[PRFScore]) -> PRFScore:
    """The score over all types: counts are added, not averaged."""
    return sum(by_type, PRFScore())


def exact_scores(answers: Iterable[Answer]) -> dict[str, PRFScore]:
    """The strict metric, a score a type: type, start and end must all be right."""
    return score_by_type((a.question.gold, a.scores.keys()) for a in answers)


def text_score(answers: Iterable[Answer]) -> PRFScore:
    """GNER's looser metric (arXiv 2402.16602): the distinct (text, type) pairs of each passage.

    Texts are compared by `normalise`; where and how often they are mentioned does not matter.
    """
    pairs = (
        (_texts(a.question.words, a.question.gold), _texts(a.question.words, a.scores))
        for a in answers
    )
    return micro(score_by_type(pairs).values())


def normalise(text: str) -> str:
    """Lower-case; without ASCII punctuation, the articles a, an, the, and superfluous space."""
    words = text.lower().translate(_NO_PUNCTUATION).split()
    return " ".join(word for word in words if word not in _ARTICLES)


def _texts(words: Sequence[str], mentions: Collection[Mention]) -> frozenset[TypedText]:
    return frozenset(
        TypedText(normalise(" ".join(words[m.start : m.end])), m.type) for m in mentions
    )
