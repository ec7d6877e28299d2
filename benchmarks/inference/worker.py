"""A contender in a process of its own, so that its memory and its threads are its own."""

import gc
import os
import warnings
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
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
        """Read the texts again. Returns seconds."""
        return self._call(_run)

    def peak(self) -> int:
        """The most memory, in bytes, since these texts were begun with."""
        return self._call(_peak)

    def close(self) -> None:
        self._process.shutdown()

    def _call(self, function: Any, *args: Any) -> Any:
        return self._process.submit(function, *args).result()


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
    begin = perf_counter()
    _task.run()
    return perf_counter() - begin


def _peak() -> int:
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM"))
    return int(peak) * 1024
