"""A contender in a process of its own, so that its memory and its threads are its own."""

from time import perf_counter

from ..process import Process, resident, use_threads
from .contenders import CONTENDERS
from .task import Job, Outcome, Training


class Worker(Process):
    """Reads the checkpoint at once. What the contender raises is raised here, by `warm_up`."""

    def __init__(self, contender: str, job: Job) -> None:
        super().__init__(_load, contender, job)

    def warm_up(self) -> Outcome:
        """What the first batch teaches; then take all steps once."""
        return self.call(_warm_up)

    def run(self) -> float:
        """Take all steps again. Returns seconds."""
        return self.call(_run)

    def peak(self) -> int:
        """The most memory so far, in bytes."""
        return self.call(_peak)


# What follows runs in the process, whose state this is.
_training: Training


def _load(contender: str, job: Job) -> None:
    global _training
    use_threads(job.threads)
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
    return resident("VmHWM")
