"""All contenders on the settings of a grid, in turns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from spacy_gliner.gliner.checkpoint import Checkpoint

from .agreement import Agreement, Spans, agreement
from .contenders import CONTENDERS, FLOOR, OURS
from .encoders import fits_a_row
from .task import THRESHOLD
from .texts import make_labels, make_texts
from .worker import Worker


@dataclass(frozen=True)
class Setting:
    """How many texts, words of each, and labels."""

    texts: int
    words: int
    labels: int

    def __str__(self) -> str:
        return f"{self.texts} x {self.words}, {self.labels}"


@dataclass(frozen=True)
class Result:
    """One contender on one setting.

    fits: a text and all labels fit in one row, so that all must find the same.
    seconds: of a run, in each turn. peak: bytes. agreement: with the spans of `OURS`.
    error: why there are no figures.
    """

    encoder: str
    setting: Setting
    contender: str
    fits: bool
    seconds: tuple[float, ...] = ()
    peak: int = 0
    agreement: Agreement | None = None
    error: str = ""

    @property
    def median(self) -> float | None:
        return median(self.seconds) if self.seconds else None

    def ratio(self, other: "Result | None") -> float | None:
        """How many times as long as the other it takes."""
        if self.median is None or other is None or other.median is None:
            return None
        return self.median / other.median

    @property
    def wrong(self) -> bool:
        """It computes what we compute, and yet finds other spans."""
        exact = CONTENDERS[self.contender].exact and self.fits
        return exact and self.agreement is not None and self.agreement.unexplained > 0


def measure(
    workers: Mapping[str, Worker],
    setting: Setting,
    rounds: int,
    *,
    encoder: str,
    checkpoint: Checkpoint,
) -> Iterator[Result]:
    """Warm all up, and let them run in turns: A B C, A B C."""
    texts, labels = make_texts(setting.texts, setting.words), make_labels(setting.labels)
    fits = fits_a_row(checkpoint, texts, labels)
    found: dict[str, list[Spans]] = {}
    for name, worker in workers.items():
        try:
            found[name] = worker.warm_up(texts, labels)
        except Exception as error:  # Whatever a peer fails with is a result.
            message = f"{type(error).__name__}: {error}"
            yield Result(encoder, setting, name, fits, error=message)
    times: dict[str, list[float]] = {name: [] for name in found}
    for _ in range(rounds):
        for name, own in times.items():
            own.append(workers[name].run())
    for name, own in times.items():
        with_ours = None
        if OURS in found and name != FLOOR:
            with_ours = agreement(found[OURS], found[name], threshold=THRESHOLD)
        peak = workers[name].peak()
        yield Result(encoder, setting, name, fits, tuple(own), peak, with_ours)
