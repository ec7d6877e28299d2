"""The figures of an evaluation, as the JSON file has them. Rates are percent, two decimals."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TypedDict

from spacy.scorer import PRFScore

from .metrics import exact_scores, micro, text_score
from .mistakes import count_mistakes
from .predict import Answer

Threshold = float | dict[str, float] | None


class TypeScores(TypedDict):
    """Of one type. support: mentions in the gold; predicted: mentions predicted."""

    p: float
    r: float
    f1: float
    support: int
    predicted: int


class SetScores(TypedDict):
    """Of one data set: exact spans, micro-averaged; `text_*` are GNER's metric, see `text_score`.

    left_out: gold mentions that were not asked for, so count nowhere. errors: see `count_mistakes`.
    types: by support, the most frequent first.
    """

    passages: int
    left_out: int
    p: float
    r: float
    f1: float
    tp: int
    fp: int
    fn: int
    text_p: float
    text_r: float
    text_f1: float
    errors: dict[str, dict[str, int]]
    types: dict[str, TypeScores]


class Settings(TypedDict):
    """How a model was asked. limit: only so many passages of each set; None: all."""

    model: str
    limit: int | None
    drop_labels: list[str]
    lower_labels: bool


class Manner(TypedDict, total=False):
    """decoding: of a gner model, which has no threshold."""

    decoding: str


class Evaluation(Settings, Manner):
    """Of one model at one threshold, its own if none was set. The averages are over the sets."""

    threshold: Threshold
    average_f1: float
    average_text_f1: float
    sets: dict[str, SetScores]


def evaluation(
    answers: Mapping[str, Sequence[Answer]],
    settings: Settings,
    threshold: Threshold,
    *,
    decoding: str | None = None,
) -> Evaluation:
    """Score the answers to each data set, by name."""
    sets = {name: set_scores(given) for name, given in answers.items()}
    figures: Evaluation = {
        **settings,
        "threshold": threshold,
        "average_f1": round(fmean(scores["f1"] for scores in sets.values()), 2),
        "average_text_f1": round(fmean(scores["text_f1"] for scores in sets.values()), 2),
        "sets": sets,
    }
    return figures if decoding is None else {**figures, "decoding": decoding}


def manner(evaluation: Evaluation) -> str:
    """How spans were chosen, in a few words."""
    if "decoding" in evaluation:
        return f"{evaluation['decoding']} decoding"
    return f"threshold {evaluation['threshold']}"


def set_scores(answers: Sequence[Answer]) -> SetScores:
    """Score the answers to one data set."""
    by_type = exact_scores(answers)
    exact, text = micro(by_type.values()), text_score(answers)
    frequent = sorted(by_type, key=lambda label: (-_support(by_type[label]), label))
    return {
        "passages": len(answers),
        "left_out": sum(given.question.left_out for given in answers),
        "p": _percent(exact.precision),
        "r": _percent(exact.recall),
        "f1": _percent(exact.fscore),
        "tp": exact.tp,
        "fp": exact.fp,
        "fn": exact.fn,
        "text_p": _percent(text.precision),
        "text_r": _percent(text.recall),
        "text_f1": _percent(text.fscore),
        "errors": count_mistakes(answers),
        "types": {label: _type_scores(by_type[label]) for label in frequent},
    }


def _type_scores(score: PRFScore) -> TypeScores:
    return {
        "p": _percent(score.precision),
        "r": _percent(score.recall),
        "f1": _percent(score.fscore),
        "support": _support(score),
        "predicted": score.tp + score.fp,
    }


def _support(score: PRFScore) -> int:
    return score.tp + score.fn


def _percent(rate: float) -> float:
    return round(100 * rate, 2)
