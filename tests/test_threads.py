import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.pipeline.inference import THREAD_PIECES, _even_batches
from spacy_gliner.threads import in_threads


def test_each_thread_computes_alone(two_threads):
    def task(number):
        return number, torch.get_num_threads(), threading.current_thread().name

    results = in_threads(task, range(20), threads=2)
    assert [number for number, _, _ in results] == list(range(20))
    assert {count for _, count, _ in results} == {1}
    assert all(name.startswith("spacy-gliner") for _, _, name in results)
    assert torch.get_num_threads() == 2
    with ThreadPoolExecutor(1) as others:
        assert others.submit(torch.get_num_threads).result() == 2


@pytest.mark.parametrize(("tasks", "threads"), [(1, 2), (5, 1), (0, 2)])
def test_what_is_not_worth_a_thread_is_done_here(two_threads, tasks, threads):
    names = in_threads(lambda _: threading.current_thread().name, range(tasks), threads=threads)
    assert names == [threading.current_thread().name] * tasks


def test_what_a_task_raises_is_raised(two_threads):
    def fail(number):
        if number == 3:
            raise RuntimeError("third")

    with pytest.raises(RuntimeError, match="third"):
        in_threads(fail, range(6), threads=2)


@given(
    sizes=st.lists(st.integers(8, 300) | st.integers(8, 6000), max_size=300),
    most=st.integers(1, 5000),
    threads=st.integers(1, 8),
)
def test_batches_are_shared_out_evenly(sizes, most, threads):
    parts = _even_batches(sizes, most, threads=threads)
    assert sorted(chain.from_iterable(parts)) == list(range(len(sizes)))
    work = [len(part) * max(sizes[row] for row in part) for part in parts if len(part) > 1]
    assert max(work, default=0) <= min(most, threads * THREAD_PIECES)
    if sum(sizes) > threads * THREAD_PIECES:
        assert max(work, default=0) <= THREAD_PIECES


def test_what_is_just_too_much_for_one_batch_is_shared_out_evenly():
    parts = _even_batches([110] * 2 + [90] * 20, 4096, threads=2)
    assert sorted(map(len, parts)) == [10, 12]


def test_equal_rows_make_equal_batches():
    def counts(rows, most=4096):
        return [len(part) for part in _even_batches([96] * rows, most, threads=2)]

    assert counts(8) == [8]
    assert counts(24) == [6] * 4
    assert counts(64) == [8] * 8
    assert counts(64, most=480) == [4] + [5] * 12


def test_a_row_may_be_longer_than_a_batch():
    assert _even_batches([3000, 20, 2000], 500, threads=2) == [[0], [2], [1]]
    counts = [len(part) for part in _even_batches([3000, *[600] * 6], 1300, threads=2)]
    assert counts == [1] * 7
