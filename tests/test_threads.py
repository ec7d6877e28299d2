import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spacy_gliner.pipeline.inference import THREAD_PIECES, _batch_size
from spacy_gliner.threads import in_threads


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


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


@pytest.mark.parametrize("threads", [1, 2, 7, 64])
@pytest.mark.parametrize("most", [100, 4096])
@pytest.mark.parametrize("total", [0, 1, 2047, 2048, 5000, 100_000])
def test_batches_are_shared_out_evenly(total, most, threads):
    size = _batch_size(total, most, threads)
    assert 0 < size <= most
    if threads > 1 and total >= threads * THREAD_PIECES:
        rounds = -(-total // (size * threads))
        assert rounds * size * threads - total < threads * (rounds + 1)
