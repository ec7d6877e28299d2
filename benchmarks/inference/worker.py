"""A contender in a process of its own, so that its memory and its threads are its own."""

import gc
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from time import perf_counter, sleep
from typing import Any

import torch

from .agreement import Spans
from .contenders import CONTENDERS
from .task import Job, Prepare, Task


class Worker:
    """Reads the checkpoint at once. What the contender raises is raised here, by `warm_up`."""

    def __init__(self, contender: str, job: Job) -> None:
        self._process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._loaded = self._process.submit(_load, contender, job)

    def warm_up(self, texts: Sequence[str], labels: Sequence[str]) -> list[Spans]:
        """Begin with other texts, and find their spans."""
        self._loaded.result()
        return self._call(_warm_up, texts, labels)

    def run(self) -> float:
        """A turn: read the texts again, perhaps several times. Returns the seconds of a run."""
        return self._call(_run)

    def peak(self) -> int:
        """The most memory, in bytes, since these texts were begun with."""
        return self._call(_peak)

    def close(self) -> None:
        self._process.shutdown()

    def _call(self, function: Any, *args: Any) -> Any:
        return self._process.submit(function, *args).result()


# Threads of the contender before may still be spinning, in wait of work: they get time to rest.
PAUSE = 0.2
# Each turn lasts at least so long; where runs are short, it has many.
TURN = 0.1

# What follows runs in the process, whose state these are.
_prepare: Prepare
_task: Task


def _load(contender: str, job: Job) -> None:
    global _prepare
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.threads])
    torch.set_num_threads(job.threads)
    warnings.simplefilter("ignore")
    _prepare = CONTENDERS[contender].load(job)


def _warm_up(texts: Sequence[str], labels: Sequence[str]) -> list[Spans]:
    global _task
    _task = _prepare(texts, labels)
    gc.collect()
    # Linux forgets the peak that was.
    Path("/proc/self/clear_refs").write_text("5")
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
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(peak) * 1024
