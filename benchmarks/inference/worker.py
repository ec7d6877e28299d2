"""A contender in a process of its own, so that its memory and its threads are its own."""

import gc
from collections.abc import Sequence
from statistics import median
from time import perf_counter, sleep

from ..process import Process, forget_peak, resident, use_threads
from .agreement import Spans
from .contenders import CONTENDERS
from .task import Job, Prepare, Task


class Worker(Process):
    """Reads the checkpoint at once. What the contender raises is raised here, by `warm_up`."""

    def __init__(self, contender: str, job: Job) -> None:
        super().__init__(_load, contender, job)

    def warm_up(self, texts: Sequence[str], labels: Sequence[str]) -> list[Spans]:
        """Begin with other texts, and find their spans."""
        return self.call(_warm_up, texts, labels)

    def run(self) -> float:
        """A turn: read the texts again, perhaps several times. Returns the seconds of a run."""
        return self.call(_run)

    def peak(self) -> int:
        """The most memory, in bytes, since these texts were begun with."""
        return self.call(_peak)


# Threads of the contender before may still be spinning, in wait of work: they get time to rest.
PAUSE = 0.2
# Each turn lasts at least so long; where runs are short, it has many.
TURN = 0.1

# What follows runs in the process, whose state these are.
_prepare: Prepare
_task: Task


def _load(contender: str, job: Job) -> None:
    global _prepare
    use_threads(job.threads)
    _prepare = CONTENDERS[contender].load(job)


def _warm_up(texts: Sequence[str], labels: Sequence[str]) -> list[Spans]:
    global _task
    _task = _prepare(texts, labels)
    gc.collect()
    forget_peak()
    return _task.spans(_task.run())


def _run() -> float:
    sleep(PAUSE)
    times: list[float] = []
    while sum(times) < TURN:
        begin = perf_counter()
        _task.run()
        times.append(perf_counter() - begin)
    return median(times)


def _peak() -> int:
    return resident("VmHWM")
