import json
import random
from functools import partial

import pytest

from benchmarks.training import __main__ as command
from benchmarks.training import worker
from benchmarks.training.contenders import CONTENDERS, REFERENCE
from benchmarks.training.ours import load_ours, rows_of_one
from benchmarks.training.passages import count_words, make_batches
from benchmarks.training.report import Report
from benchmarks.training.task import Job, Outcome
from benchmarks.training.turns import TOLERANCE, Result, measure
from spacy_gliner.shim import GLiNERShim
from spacy_gliner.training import learner

from ..parity.encoders import quiet

SIZES = {"words": 12, "types": 6}
SAME, OTHER = Outcome(100.0, 5.0), Outcome(100.0, 5.0 * (1 + 2 * TOLERANCE))


def job(folder, *, precision="float32") -> Job:
    return Job(folder, precision, 1, make_batches(2, 4, **SIZES))


def load(name, folder):
    with quiet():
        return CONTENDERS[name].load(job(folder))


class FakeWorker:
    """Takes always as long, and writes down that it ran."""

    def __init__(self, name, log, *, seconds=1.0, outcome=SAME, error=None):
        self.name, self.log, self.seconds, self.error = name, log, seconds, error
        self.outcome = outcome

    def warm_up(self):
        if self.error:
            raise self.error
        return self.outcome

    def run(self):
        self.log.append(self.name)
        return self.seconds

    def peak(self):
        return 10**6


class Here(worker.Worker):
    """A worker without a process."""

    def __init__(self, contender, job):
        with quiet():
            worker._training = self.training = CONTENDERS[contender].load(job)

    def call(self, function):
        worker._training = self.training
        return function()

    def close(self):
        pass


def test_all_passages_are_short_and_have_only_the_asked_types():
    batches = make_batches(3, 5, **SIZES)
    assert [len(batch) for batch in batches] == [5, 5, 5]
    passages = [passage for batch in batches for passage in batch]
    assert max(len(passage.words) for passage in passages) <= SIZES["words"]
    assert count_words(batches) == sum(len(passage.words) for passage in passages)
    assert {passage.label_set for passage in passages} == {passages[0].label_set}
    assert len(passages[0].label_set) == SIZES["types"]
    types = {type_ for passage in passages for *_, type_ in passage.spans}
    assert types and types <= set(passages[0].label_set)


def test_the_rows_are_those_of_the_contender(random_folder, monkeypatch):
    asked = []
    own = learner.Learner.ask

    def ask(self, row):
        asked.append(own(self, row))
        return asked[-1]

    monkeypatch.setattr(learner.Learner, "ask", ask)
    task = job(random_folder)
    load_ours(task, packed=False).run()
    assert [question.row.passages[0].words for question in asked] == [
        passage.words for batch in task.batches for passage in batch
    ]
    assert all(question.types == task.batches[0][0].label_set for question in asked)
    assert all(question.known.all() for question in asked)
    n_rows = len(asked)
    asked.clear()
    monkeypatch.setattr(random.Random, "randint", lambda self, low, high: high)
    load_ours(task, packed=True).run()
    assert len(asked) < n_rows
    assert sum(len(question.row.passages) for question in asked) == n_rows
    assert all(question.types == task.batches[0][0].label_set for question in asked)


def test_passages_share_rows_again_afterwards():
    before = learner.pack
    with rows_of_one():
        (batch,) = make_batches(1, 3, **SIZES)
        assert [row.passages for row in learner.pack(batch, max_words=100)] == [(p,) for p in batch]
    assert learner.pack is before


@pytest.mark.parametrize("name", [name for name in CONTENDERS if name != REFERENCE])
def test_all_learn_the_same(name, random_folder):
    pytest.importorskip("gliner")
    theirs = load(REFERENCE, random_folder).probe()
    result = Result("tiny", "float32", name, 1, outcome=load(name, random_folder).probe())
    assert theirs.loss > 1 and theirs.gradient > 1
    assert result.outcome.loss == pytest.approx(theirs.loss, rel=TOLERANCE / 10)
    assert result.outcome.gradient == pytest.approx(theirs.gradient, rel=TOLERANCE / 10)


@pytest.mark.parametrize("name", CONTENDERS)
def test_a_run_learns_and_a_probe_does_not(name, random_folder):
    # The reference library is an extra; `make test` installs it.
    for module in CONTENDERS[name].modules:
        pytest.importorskip(module)
    training = load(name, random_folder)
    first = training.probe()
    assert training.probe() == first
    training.run()
    assert training.probe().loss < first.loss


def test_ours_is_trained_in_the_precision_asked_for(random_folder, monkeypatch):
    precisions = set()
    own = GLiNERShim.begin_update

    def begin_update(self, batch, precision, dropout):
        precisions.add((precision, dropout))
        return own(self, batch, precision, dropout)

    monkeypatch.setattr(GLiNERShim, "begin_update", begin_update)
    load_ours(job(random_folder, precision="bfloat16"), packed=True).run()
    assert precisions == {("bfloat16", 0.0)}


def test_contenders_take_turns(random_folder):
    log = []
    workers = {"ours": FakeWorker("A", log), REFERENCE: FakeWorker("B", log, seconds=3.0)}
    task = job(random_folder)
    ours, theirs = measure(workers, 3, task, encoder="tiny")
    assert "".join(log) == "ABABAB"
    assert theirs.seconds == (3.0, 3.0, 3.0)
    assert ours.speed == count_words(task.batches)
    assert ours.ratio(theirs) == pytest.approx(3.0)
    assert not ours.wrong


def test_who_learns_something_else_is_wrong(random_folder):
    workers = {"ours": FakeWorker("A", [], outcome=OTHER), REFERENCE: FakeWorker("B", [])}
    ours, theirs = measure(workers, 1, job(random_folder), encoder="tiny")
    assert (ours.wrong, theirs.wrong) == (True, False)
    rounded, _ = measure(workers, 1, job(random_folder, precision="bfloat16"), encoder="tiny")
    assert rounded.distance == pytest.approx(2 * TOLERANCE) and not rounded.wrong


def test_one_that_fails_has_no_figures_and_stops_nobody(random_folder):
    workers = {
        REFERENCE: FakeWorker("B", [], error=RuntimeError("no such thing")),
        "ours": FakeWorker("A", []),
    }
    theirs, ours = measure(workers, 1, job(random_folder), encoder="tiny")
    assert theirs.error == "RuntimeError: no such thing"
    assert ours.seconds and ours.distance is None and ours.ratio(theirs) is None


def test_the_report_says_what_was_measured(tmp_path):
    result = partial(Result, "tiny", "float32")
    report = Report(
        {"threads": 2},
        {"gliner frozen words": "gliner"},
        [
            result("ours", 300, (0.5, 1.5, 1.0), 3_000_000, OTHER, SAME),
            result(REFERENCE, 300, (2.0, 3.0, 3.0), 4_000_000, SAME, SAME),
            result("ours unpacked", 300, error="RuntimeError: too long"),
            Result("tiny", "bfloat16", "ours", 300, (1.0,), 3_000_000, SAME),
        ],
    )
    report.to_disk(tmp_path / "new")
    lines = (tmp_path / "new" / "results.md").read_text(encoding="utf8").splitlines()
    ours = "| tiny | float32 | ours | 300 | 3.00 | 100.000 | 5.010 | 2.0e-03 wrong | 3 |"
    assert ours in lines
    assert "| tiny | float32 | gliner | 100 | 1.00 | 100.000 | 5.000 | 0.0e+00 | 4 |" in lines
    assert "| tiny | bfloat16 | ours | 300 | - | 100.000 | 5.000 | - | 3 |" in lines
    assert "| tiny | float32 | ours unpacked | - | - | - | - | - | - |" in lines
    assert "ours unpacked, tiny, float32: RuntimeError: too long" in lines
    assert "Not here: gliner frozen words, without gliner" in lines
    content = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf8"))
    assert content["results"][0]["seconds"] == [0.5, 1.5, 1.0]


def test_the_command_measures_all_and_finds_that_they_learn_the_same(
    checkpoint, tmp_path, monkeypatch
):
    monkeypatch.setattr(command, "ENCODERS", ["tiny"])
    monkeypatch.setattr(command, "Worker", Here)
    monkeypatch.setattr(
        command, "write_checkpoint", lambda *_: checkpoint.to_disk(tmp_path) or tmp_path
    )
    monkeypatch.setattr(worker, "_training", None, raising=False)
    for name in ("OMP_NUM_THREADS", "HF_HUB_OFFLINE"):
        monkeypatch.setenv(name, "1")
    small = {"steps": 1, "passages": 2, "rounds": 1, "threads": 1}
    output = tmp_path / "output"
    command.main(encoders="tiny", precisions="float32,bfloat16", output=output, **small, **SIZES)
    results = json.loads((output / "results.json").read_text(encoding="utf8"))["results"]
    present = [name for name, contender in CONTENDERS.items() if not contender.missing]
    assert [(result["precision"], result["contender"]) for result in results] == [
        (precision, name) for precision in ("float32", "bfloat16") for name in present
    ]
    assert not any(result["error"] for result in results)
    assert all(len(result["seconds"]) == 1 for result in results)
    assert "wrong" not in (output / "results.md").read_text(encoding="utf8")
