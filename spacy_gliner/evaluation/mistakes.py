"""What kind of mistakes a model makes: a wrong type, wrong boundaries, or neither."""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from .gold import Mention
from .predict import Answer

WRONG_TYPE, WRONG_BOUNDARIES = "wrong_type", "wrong_boundaries"
SPURIOUS, MISSED = "spurious", "missed"


def count_mistakes(answers: Iterable[Answer]) -> dict[str, dict[str, int]]:
    """Sort the false positives ("fp") and negatives ("fn") of a data set by kind.

    A false positive has a wrong type if a missed gold span has its boundaries; else wrong
    boundaries if one of its type overlaps it; else it is spurious. The same the other way round for
    a false negative, which is missed if no false positive explains it. Spans that were found
    explain nothing. The kinds of "fp" add up to all false positives, those of "fn" to all false
    negatives.
    """
    fp: Counter[str] = Counter({WRONG_TYPE: 0, WRONG_BOUNDARIES: 0, SPURIOUS: 0})
    fn: Counter[str] = Counter({WRONG_TYPE: 0, WRONG_BOUNDARIES: 0, MISSED: 0})
    for given in answers:
        gold, predicted = given.question.gold, given.scores.keys()
        wrong, lost = predicted - gold, gold - predicted
        fp.update(_explain(mention, lost) or SPURIOUS for mention in wrong)
        fn.update(_explain(mention, wrong) or MISSED for mention in lost)
    return {"fp": dict(fp), "fn": dict(fn)}


def _explain(mention: Mention, others: AbstractSet[Mention]) -> str | None:
    start, end, label = mention
    if any((other.start, other.end) == (start, end) for other in others):
        return WRONG_TYPE
    same_type = (other for other in others if other.type == label)
    if any(other.start < end and start < other.end for other in same_type):
        return WRONG_BOUNDARIES
    return None
