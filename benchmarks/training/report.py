"""The results as JSON and Markdown."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from spacy_gliner.evaluation.tables import table

from ..results import write_results
from .contenders import REFERENCE
from .turns import Result

HEADER = [
    "encoder",
    "precision",
    "contender",
    "words/s",
    f"times {REFERENCE}",
    "loss",
    "gradient",
    "apart",
    "MB",
]


@dataclass(frozen=True)
class Report:
    """environment: what the figures depend on. absent: contenders left out, with what they lack."""

    environment: Mapping[str, object]
    absent: Mapping[str, str]
    results: list[Result] = field(default_factory=list)

    def to_disk(self, folder: Path) -> None:
        """Write results.json and results.md."""
        write_results(self, folder)

    def to_markdown(self) -> str:
        parts = ["# Training on a CPU", table(["environment", ""], self.environment.items())]
        parts += [f"Not here: {name}, without {what}" for name, what in self.absent.items()]
        parts += [table(HEADER, map(self._row, self.results))]
        parts += [
            "Loss and norm of the gradient: of the first batch, before it was learned; and how far "
            "they are from the reference's. MB: the most memory, program and model included."
        ]
        parts += [
            f"{r.contender}, {r.encoder}, {r.precision}: {r.error}" for r in self.results if r.error
        ]
        return "\n\n".join(parts) + "\n"

    def _row(self, result: Result) -> list[object]:
        outcome, distance = result.outcome, result.distance
        apart = None if distance is None else f"{distance:.1e}{' wrong' * result.wrong}"
        return [
            result.encoder,
            result.precision,
            result.contender,
            result.speed and round(result.speed),
            _number(result.ratio(self._reference(result)), 2),
            outcome and _number(outcome.loss, 3),
            outcome and _number(outcome.gradient, 3),
            apart,
            round(result.peak / 1e6) if result.peak else None,
        ]

    def _reference(self, result: Result) -> Result | None:
        """The reference's on the same encoder in the same precision."""
        key = (result.encoder, result.precision, REFERENCE)
        same = (r for r in self.results if (r.encoder, r.precision, r.contender) == key)
        return next(same, None)


def _number(number: float | None, digits: int) -> str | None:
    return None if number is None else f"{number:.{digits}f}"
