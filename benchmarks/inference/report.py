"""The results as JSON, Markdown and plots."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from spacy_gliner.evaluation.tables import table

from ..results import write_results
from .contenders import CONTENDERS, FLOOR, OURS
from .grid import Result

PACKAGES = ("torch", "transformers", "onnxruntime", "gliner", "fast-gliner", "gliner-spacy")
TOO_LONG = (
    "(*) Texts and labels do not fit in one row of the encoder: the reference cuts the texts, and "
    "we read windows of them, or ask for the labels in several rows; so spans differ."
)
# From a result, and that of ours on the same setting, to what the table says.
Cell = Callable[[Result, Result | None], object]


@dataclass(frozen=True)
class Report:
    """environment: what the figures depend on. absent: contenders left out, with what they lack.

    grid: of all contenders. labels, words: of ours alone, while these grow.
    """

    environment: Mapping[str, object]
    absent: Mapping[str, str]
    grid: list[Result] = field(default_factory=list)
    labels: list[Result] = field(default_factory=list)
    words: list[Result] = field(default_factory=list)

    def to_disk(self, folder: Path) -> None:
        """Write results.json and results.md, and the plots, for which matplotlib is needed."""
        from .plot import plot_curves, plot_grid

        write_results(self, folder)
        if self.grid:
            plot_grid(self.grid, folder / "grid.png")
        if self.labels:
            plot_curves(self.labels, self.words, folder / "curves.png")

    def to_markdown(self) -> str:
        parts = ["# Inference on a CPU", table(["environment", ""], self.environment.items())]
        parts += [f"Not here: {name}, without {what}" for name, what in self.absent.items()]
        for encoder in dict.fromkeys(result.encoder for result in self.grid):
            own = [result for result in self.grid if result.encoder == encoder]
            parts += [f"## {encoder}"]
            parts += [f"Seconds, and how many times those of {OURS}:", grid_table(own, _seconds)]
            parts += ["Spans that are the same as ours, in percent:", grid_table(own, _same)]
            parts += ["The most memory, in MB, program and model included:"]
            parts += [grid_table(own, _peak)]
        if not all(result.fits for result in self.grid):
            parts += [TOO_LONG]
        parts += filter(None, map(_note, self.grid))
        for name, results in (("labels", self.labels), ("words", self.words)):
            if results:
                parts += [f"## Cost of {name}", curve_table(results)]
        return "\n\n".join(parts) + "\n"


def environment(*, threads: int, batch_size: int) -> dict[str, object]:
    """The machine, the settings and the versions that the figures depend on."""
    (model, *_) = (
        line.partition(": ")[2]
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return {
        "processor": model,
        "threads": threads,
        "load at the start": round(os.getloadavg()[0], 1),
        "batch size": batch_size,
        **{name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def grid_table(results: Sequence[Result], cell: Cell) -> str:
    """A row a setting, a column a contender; `cell` also gets the setting's result of ours."""
    contenders = [
        name for name in CONTENDERS if any(name == result.contender for result in results)
    ]
    rows = []
    for setting in dict.fromkeys(result.setting for result in results):
        own = {result.contender: result for result in results if result.setting == setting}
        cells = (cell(own[c], own.get(OURS)) if c in own else None for c in contenders)
        cut = "" if all(result.fits for result in own.values()) else " (*)"
        rows.append([str(setting) + cut, *cells])
    return table(["texts x words, labels", *contenders], rows)


def curve_table(results: Iterable[Result]) -> str:
    rows = [
        (r.encoder, r.setting.texts, r.setting.words, r.setting.labels, _number(r.median))
        for r in results
    ]
    return table(["encoder", "texts", "words", "labels", "seconds"], rows)


def _seconds(result: Result, ours: Result | None) -> str | None:
    seconds, times = _number(result.median), result.ratio(ours)
    return seconds if times is None else f"{seconds} ({times:.2f}){' wrong' * result.wrong}"


def _same(result: Result, _: Result | None) -> str | None:
    if result.agreement is None:
        return None
    return f"{100 * result.agreement.share:.2f}" + " wrong" * result.wrong


def _peak(result: Result, _: Result | None) -> int | None:
    # To know what ours reads, the floor has all of ours loaded.
    return None if result.error or result.contender == FLOOR else round(result.peak / 1e6)


def _number(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.3g}"


def _note(result: Result) -> str:
    where = f"{result.contender}, {result.encoder}, {result.setting}: "
    if result.error:
        return where + result.error
    if result.wrong and result.agreement:
        return where + f"{result.agreement.unexplained} of {result.agreement.spans} spans differ"
    return ""
