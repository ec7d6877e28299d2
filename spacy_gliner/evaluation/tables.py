"""Evaluations as Markdown tables. Rates are percent with one decimal."""

from collections.abc import Iterable, Sequence

from .mistakes import MISSED, SPURIOUS, WRONG_BOUNDARIES, WRONG_TYPE
from .results import Evaluation, SetScores

MAX_TYPES = 30


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table: the first column to the left, the others to the right; None is "-"."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *([*map(_cell, r)] for r in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def results_table(evaluation: Evaluation) -> str:
    """A row a data set, and their average."""
    rows: list[list[object]] = [
        [name, s["passages"], s["p"], s["r"], s["f1"], s["text_f1"]]
        for name, s in evaluation["sets"].items()
    ]
    average = [evaluation["average_f1"], evaluation["average_text_f1"]]
    rows.append(["**average**", None, None, None, *average])
    return table(["data set", "passages", "P", "R", "F1", "text F1"], rows)


def sweep_table(evaluations: Sequence[Evaluation]) -> str:
    """A row a threshold: the F1 of each data set, and their average."""
    header = ["threshold", *evaluations[0]["sets"], "average"]
    rows = (
        [str(e["threshold"]), *(s["f1"] for s in e["sets"].values()), e["average_f1"]]
        for e in evaluations
    )
    return table(header, rows)


def types_table(scores: SetScores) -> str:
    """A row a type, the most frequent first; of many types, the first `MAX_TYPES`."""
    types = list(scores["types"].items())
    rows: list[list[object]] = [
        [name, s["p"], s["r"], s["f1"], s["support"], s["predicted"]]
        for name, s in types[:MAX_TYPES]
    ]
    if len(types) > MAX_TYPES:
        rows.append([f"({len(types) - MAX_TYPES} more)", *[None] * 5])
    return table(["type", "P", "R", "F1", "in gold", "predicted"], rows)


def mistakes_table(evaluation: Evaluation) -> str:
    """A row a data set and side: how many spans are right, and what is wrong with the others."""
    header = ["data set", "spans", "right", "wrong type", "wrong boundaries", "spurious", "missed"]
    rows: list[list[object]] = []
    for name, scores in evaluation["sets"].items():
        for side, kinds in scores["errors"].items():
            wrong = (kinds.get(k) for k in (WRONG_TYPE, WRONG_BOUNDARIES, SPURIOUS, MISSED))
            rows.append([name, "predicted" if side == "fp" else "gold", scores["tp"], *wrong])
    return table(header, rows)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if isinstance(value, float) else str(value).replace("|", r"\|")
