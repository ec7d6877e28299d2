"""A contender in a process of its own, so that its memory and its threads are its own."""

import os
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from resource import RUSAGE_SELF, getrusage
from time import perf_counter
from typing import Any

import torch

from .contenders import CONTENDERS
from .task import Job, Outcome, Training


class Worker:
    """Reads the checkpoint at once. What the contender raises is raised here, by `warm_up`."""

    def __init__(self, contender: str, job: Job) -> None:
        self._process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._loaded = self._process.submit(_load, contender, job)

    def warm_up(self) -> Outcome:
        """What the first batch teaches; then take all steps once."""
        self._loaded.result()
        return self._call(_warm_up)

    def run(self) -> float:
        """Take all steps again. Returns seconds."""
        return self._call(_run)

    def peak(self) -> int:
        """The most memory so far, in bytes."""
        return self._call(_peak)

    def close(self) -> None:
        self._process.shutdown()

    def _call(self, function: Any) -> Any:
        return self._process.submit(function).result()


# What follows runs in the process, whose state this is.
_training: Training


def _load(contender: str, job: Job) -> None:
    global _training
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: job.threads])
    torch.set_num_threads(job.threads)
    warnings.simplefilter("ignore")
    _training = CONTENDERS[contender].load(job)


def _warm_up() -> Outcome:
    outcome = _training.probe()
    _training.run()
    return outcome


def _run() -> float:
    begin = perf_counter()
    _training.run()
    return perf_counter() - begin


def _peak() -> int:
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024
