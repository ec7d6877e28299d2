"""All contenders in turns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from statistics import median

from .contenders import REFERENCE
from .passages import count_words
from .task import Job, Outcome
from .worker import Worker

# Two orders of adding up floats make losses and gradients differ by less, as a share of them.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Result:
    """One contender.

    words: those of each run. seconds: of each run. peak: bytes.
    outcome: what the first batch taught it. expected: what that taught the reference.
    error: why there are no figures.
    """

    encoder: str
    precision: str
    contender: str
    words: int
    seconds: tuple[float, ...] = ()
    peak: int = 0
    outcome: Outcome | None = None
    expected: Outcome | None = None
    error: str = ""

    @property
    def speed(self) -> float | None:
        """Words a second."""
        return self.words / median(self.seconds) if self.seconds else None

    def ratio(self, other: "Result | None") -> float | None:
        """How many times as fast as the other it is."""
        if self.speed is None or other is None or other.speed is None:
            return None
        return self.speed / other.speed

    @property
    def distance(self) -> float | None:
        """From the reference's loss or gradient, whichever is farther off, as a share of it."""
        if self.outcome is None or self.expected is None:
            return None
        return max(
            abs(self.outcome.loss / self.expected.loss - 1),
            abs(self.outcome.gradient / self.expected.gradient - 1),
        )

    @property
    def wrong(self) -> bool:
        """It learns something else than the reference, and not because it rounds elsewhere.

        In bfloat16 that alone is some percent.
        """
        exact = self.precision == "float32"
        return exact and self.distance is not None and self.distance > TOLERANCE


def measure(
    workers: Mapping[str, Worker], rounds: int, job: Job, *, encoder: str
) -> Iterator[Result]:
    """Warm all up, and let them run in turns: A B C, A B C."""
    result = partial(Result, encoder, job.precision, words=count_words(job.batches))
    outcomes: dict[str, Outcome] = {}
    for name, worker in workers.items():
        try:
            outcomes[name] = worker.warm_up()
        except Exception as error:  # Whatever a contender fails with is a result.
            message = f"{type(error).__name__}: {error}"
            yield result(name, error=message)
    times: dict[str, list[float]] = {name: [] for name in outcomes}
    for _ in range(rounds):
        for name, own in times.items():
            own.append(workers[name].run())
    for name, own in times.items():
        yield result(
            name,
            seconds=tuple(own),
            peak=workers[name].peak(),
            outcome=outcomes[name],
            expected=outcomes.get(REFERENCE),
        )
