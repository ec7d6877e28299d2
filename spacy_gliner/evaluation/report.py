"""Our results beside the published ones, as a section of the README."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal, cast

from ..errors import Errors
from .published import PUBLISHED, SEVEN_SETS
from .results import Evaluation, manner
from .tables import table

START, END = "<!-- results:start -->", "<!-- results:end -->"

NOTES = """\
Zero-shot F1 in percent. Ours: exact spans (type, start and end must be right), micro-averaged over
a data set. The published rows of GLiNER keep CrossNER's type MISC; without it, GLiNER-L has 63.2.
† Distinct (text, type) pairs of a passage, without offsets, as GNER counts them: a looser metric,
to be compared with other rows marked † only."""


@dataclass(frozen=True)
class Row:
    """A system's F1 on each of the seven sets, in percent; None where it was not measured."""

    name: str
    f1: tuple[float | None, ...]
    ours: bool
    text_metric: bool

    @property
    def average(self) -> float | None:
        known = [f1 for f1 in self.f1 if f1 is not None]
        return fmean(known) if len(known) == len(self.f1) else None


def read_evaluation(path: Path) -> Evaluation:
    """Read a file written by `evaluate --output`.

    Raises ValueError if it is missing or something else, a sweep over thresholds for instance.
    """
    try:
        content = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not content.keys() >= Evaluation.__required_keys__:
        raise ValueError(Errors.G306.format(path=path))
    return cast(Evaluation, content)


def collate(evaluations: Mapping[str, Evaluation]) -> list[Row]:
    """The rows of the table, by metric: ours, by name, then the published ones."""
    rows = [
        *(_our_row(name, e, metric) for metric in (False, True) for name, e in evaluations.items()),
        *(Row(p.name, p.f1, False, p.text_metric) for p in PUBLISHED),
    ]
    return sorted(rows, key=lambda row: row.text_metric)


def render(evaluations: Mapping[str, Evaluation]) -> str:
    """The section's Markdown: the seven sets, notes and settings, and a table of the other sets."""
    seven = table(
        ["", *SEVEN_SETS.values(), "average"],
        ([_heading(row), *row.f1, row.average] for row in collate(evaluations)),
    )
    others = [
        [name, label, s["passages"], s["p"], s["r"], s["f1"], s["text_f1"]]
        for name, e in evaluations.items()
        for label, s in e["sets"].items()
        if _column(label) is None
    ]
    header = ["model", "data set", "passages", "P", "R", "F1", "text F1 †"]
    settings = "\n".join(f"- {_settings(name, e)}" for name, e in evaluations.items())
    return "\n\n".join([seven, NOTES, settings, *([table(header, others)] if others else [])])


def replace_section(text: str, section: str, *, source: Path) -> str:
    """Put the section between the markers. source: the file to name in errors.

    Raises ValueError unless the text has each marker once, in order.
    """
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    if not (text.count(START) == rest.count(END) == text.count(END) == 1):
        raise ValueError(Errors.G307.format(path=source, start=START, end=END))
    return f"{before}{START}\n\n{section}\n\n{END}{after}"


def _our_row(name: str, evaluation: Evaluation, text_metric: bool) -> Row:
    key: Literal["text_f1", "f1"] = "text_f1" if text_metric else "f1"
    f1 = {_column(label): s[key] for label, s in evaluation["sets"].items()}
    if evaluation["limit"] is not None:
        name = f"{name} (first {evaluation['limit']} passages)"
    return Row(name, tuple(f1.get(column) for column in SEVEN_SETS), True, text_metric)


def _settings(name: str, evaluation: Evaluation) -> str:
    dropped = ", ".join(evaluation["drop_labels"])
    case = "in lower case" if evaluation["lower_labels"] else "as they are written"
    without = f", without {dropped}" if dropped else ""
    return f"{name}: {manner(evaluation)}, asked for types {case}{without}."


def _column(dataset: str) -> str | None:
    """The one of the seven sets that a data set is the test split of."""
    name = dataset.removesuffix("-test")
    return name if name in SEVEN_SETS else None


def _heading(row: Row) -> str:
    name = f"**{row.name}**" if row.ours else row.name
    return f"{name} †" if row.text_metric else name
