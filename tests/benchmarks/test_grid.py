import pytest

from benchmarks.inference import grid, worker
from benchmarks.inference.contenders import FLOOR, OURS
from benchmarks.inference.grid import Result, Setting, measure
from benchmarks.inference.task import Task

SETTING = Setting(2, 20, 5)
CITY = [{(0, 4, "city"): 0.9}, {}]


class FakeWorker:
    """Takes always as long, and writes down that it ran."""

    def __init__(self, name, log, *, seconds=1.0, spans=CITY, error=None):
        self.name, self.log, self.seconds, self.spans, self.error = name, log, seconds, spans, error

    def warm_up(self, texts, labels):
        assert (len(texts), len(labels)) == (SETTING.texts, SETTING.labels)
        if self.error:
            raise self.error
        return self.spans

    def run(self):
        self.log.append(self.name)
        return self.seconds

    def peak(self):
        return 10**6


@pytest.fixture
def ask(monkeypatch):
    monkeypatch.setattr(grid, "fits_a_row", lambda *_: True)

    def ask(workers, rounds=1):
        found = measure(workers, SETTING, rounds, encoder="tiny", checkpoint=None)
        return {result.contender: result for result in found}

    return ask


def test_contenders_take_turns(ask):
    log = []
    workers = {OURS: FakeWorker("A", log), "gliner": FakeWorker("B", log, seconds=3.0)}
    results = ask(workers, rounds=3)
    assert "".join(log) == "ABABAB"
    assert results["gliner"].seconds == (3.0, 3.0, 3.0)
    assert results["gliner"].ratio(results[OURS]) == 3.0


def test_one_that_fails_has_no_figures_and_stops_nobody(ask):
    failing = FakeWorker("B", [], error=RuntimeError("no such thing"))
    results = ask({OURS: FakeWorker("A", []), "gliner": failing})
    assert results["gliner"].error == "RuntimeError: no such thing"
    assert results["gliner"].ratio(results[OURS]) is None
    assert results[OURS].median == 1.0


def test_other_spans_are_wrong_where_they_must_be_the_same(ask):
    other = [{(0, 4, "person"): 0.8}, {}]
    workers = {name: FakeWorker(name, [], spans=other) for name in ("gliner", "ours bfloat16")}
    results = ask({OURS: FakeWorker("A", []), **workers})
    assert [name for name, result in results.items() if result.wrong] == ["gliner"]
    assert results["ours bfloat16"].agreement.share == 0.0


def test_the_floor_finds_nothing_to_compare(ask):
    workers = {OURS: FakeWorker("A", []), FLOOR: FakeWorker("B", [], spans=[])}
    assert ask(workers)[FLOOR].agreement is None


def test_the_median_is_taken():
    result = Result("tiny", SETTING, OURS, True, seconds=(9.0, 1.0, 2.0))
    assert result.median == 2.0


@pytest.mark.parametrize(("seconds", "runs"), [(1.0, 1), (worker.TURN / 4, 4)])
def test_a_turn_has_many_runs_if_they_are_short(monkeypatch, seconds, runs):
    clock, slept = [0.0], []

    def run():
        clock[0] += seconds

    monkeypatch.setattr(worker, "_task", Task(run, list), raising=False)
    monkeypatch.setattr(worker, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(worker, "sleep", slept.append)
    assert worker._run() == pytest.approx(seconds)
    assert clock[0] == pytest.approx(runs * seconds)
    assert slept == [worker.PAUSE]
