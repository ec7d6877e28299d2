import pytest

from benchmarks.inference import grid
from benchmarks.inference.contenders import FLOOR, OURS
from benchmarks.inference.grid import Result, Setting, Timing, measure

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

    def ask(workers, timing):
        found = measure(workers, SETTING, timing, encoder="tiny", checkpoint=None)
        return {result.contender: result for result in found}

    return ask


def test_contenders_take_turns(ask):
    log = []
    workers = {OURS: FakeWorker("A", log), "gliner": FakeWorker("B", log, seconds=3.0)}
    results = ask(workers, Timing(rounds=3, seconds=0.0))
    assert "".join(log) == "ABABAB"
    assert results["gliner"].seconds == (3.0, 3.0, 3.0)
    assert results["gliner"].ratio(results[OURS]) == 3.0


def test_short_ones_run_until_their_time_is_over(ask):
    log = []
    ask({OURS: FakeWorker("A", log, seconds=0.25)}, Timing(rounds=1, seconds=2.0))
    assert len(log) == 8


def test_one_that_fails_has_no_figures_and_stops_nobody(ask):
    failing = FakeWorker("B", [], error=RuntimeError("no such thing"))
    results = ask({OURS: FakeWorker("A", []), "gliner": failing}, Timing(1, 0.0))
    assert results["gliner"].error == "RuntimeError: no such thing"
    assert results["gliner"].ratio(results[OURS]) is None
    assert results[OURS].median == 1.0


def test_other_spans_are_wrong_where_they_must_be_the_same(ask):
    other = [{(0, 4, "person"): 0.8}, {}]
    workers = {name: FakeWorker(name, [], spans=other) for name in ("gliner", "ours bfloat16")}
    results = ask({OURS: FakeWorker("A", []), **workers}, Timing(1, 0.0))
    assert [name for name, result in results.items() if result.wrong] == ["gliner"]
    assert results["ours bfloat16"].agreement.share == 0.0


def test_the_floor_finds_nothing_to_compare(ask):
    workers = {OURS: FakeWorker("A", []), FLOOR: FakeWorker("B", [], spans=[])}
    assert ask(workers, Timing(1, 0.0))[FLOOR].agreement is None


def test_the_median_is_taken():
    result = Result("tiny", SETTING, OURS, True, seconds=(9.0, 1.0, 2.0))
    assert result.median == 2.0
