"""Processes for what is measured, so that memory and threads are its own."""

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch


class Process:
    """A process that begins with a call. What that raises is raised by the next one, `call`."""

    def __init__(self, begin: Callable[..., None], *args: Any) -> None:
        self._process = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        self._begun = self._process.submit(begin, *args)

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """What the function returns there."""
        self._begun.result()
        return self._process.submit(function, *args).result()

    def close(self) -> None:
        self._process.shutdown()


def use_threads(count: int) -> None:
    """Give this process so many processors, and torch so many threads; warnings would be noise."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    torch.set_num_threads(count)
    warnings.simplefilter("ignore")


def resident(kind: str) -> int:
    """Memory of this process in bytes: now, VmRSS, or at most, VmHWM."""
    status = Path("/proc/self/status").read_text().splitlines()
    (kilobytes,) = (line.split()[1] for line in status if line.startswith(kind))
    return int(kilobytes) * 1024


def forget_peak() -> None:
    """Let what this process has now be the most that it had."""
    Path("/proc/self/clear_refs").write_text("5")
