"""Work for all of torch's threads, each with a task of its own.

Else torch shares out every single operation, and after each its threads wait for one another.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier
from typing import TypeVar

import torch

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_threads(
    function: Callable[[Task], Result], tasks: Sequence[Task], *, threads: int
) -> list[Result]:
    """The results of tasks of about the same size, in their order; one by one if they are few."""
    if threads == 1 or len(tasks) < threads:
        return [function(task) for task in tasks]
    return list(_workers(threads).map(function, tasks))


@cache
def _workers(count: int) -> ThreadPoolExecutor:
    """Threads for the whole process, in each of which torch has one thread."""
    all_begun = Barrier(count)

    def begin() -> None:
        # A thread takes over the common number when it first asks for its own.
        torch.get_num_threads()
        torch.set_num_threads(1)
        all_begun.wait()

    workers = ThreadPoolExecutor(count, thread_name_prefix="spacy-gliner")
    for begun in [workers.submit(begin) for _ in range(count)]:
        begun.result()
    # Each thread has a number of its own, and new ones get that which was set last.
    torch.set_num_threads(count)
    return workers


# A forked process (`nlp.pipe(n_process=2)`) has none of these threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_workers.cache_clear)
