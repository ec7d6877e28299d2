"""Many searches at once: one call of the decoder answers what each of them asks next."""

from collections.abc import Sequence
from itertools import accumulate

from .forced import Hypothesis, Request, Search
from .head import Head
from .rows import Rows


def run(searches: Sequence[Search], rows: Rows, head: Head) -> list[Hypothesis]:
    """The best hypothesis of each search.

    rows: one row a search, in their order, where `Rows.begin` has left them.
    """
    found: dict[int, Hypothesis] = {}
    runs = {index: search.run() for index, search in enumerate(searches)}
    first_rows = dict(enumerate(range(len(searches))))
    requests = {index: next(run) for index, run in runs.items()}
    while requests:
        answers = _answer(list(requests.values()), list(first_rows.values()), rows, head)
        first_rows = _first_rows(requests)
        for index, answer in zip(list(requests), answers, strict=True):
            try:
                requests[index] = runs[index].send(answer)
            except StopIteration as end:
                found[index] = end.value
                del requests[index], first_rows[index]
    return [found[index] for index in range(len(searches))]


def _first_rows(requests: dict[int, Request]) -> dict[int, int]:
    """Where the rows of each search begin, among those of all."""
    counts = [len(request.chunks) for request in requests.values()]
    return dict(zip(requests, accumulate(counts, initial=0), strict=False))


def _answer(requests: Sequence[Request], first_rows: Sequence[int], rows: Rows, head: Head) -> list:
    """What each request is answered: logits for each of its rows."""
    hidden = rows.step(
        [first + p for r, first in zip(requests, first_rows, strict=True) for p in r.parents],
        [start for request in requests for start in request.starts],
        [chunk for request in requests for chunk in request.chunks],
    )
    logits = iter(head.logits(hidden, [ends for request in requests for ends in request.ends]))
    return [[next(logits) for _ in request.chunks] for request in requests]
