import json
from sys import platform

import pytest

from benchmarks import memory
from benchmarks.memory import Cost, Document, Report, Stream, cost_of, numbered_texts, sizes

needs_linux = pytest.mark.skipif(platform != "linux", reason="reads /proc")
MB = 10**6


@needs_linux
def test_what_is_freed_is_in_the_peak_only():
    _, cost = cost_of(lambda: len(bytearray(50 * MB)))
    assert 45 * MB < cost.peak < 60 * MB
    assert abs(cost.kept) < 5 * MB
    assert cost.seconds > 0


@needs_linux
def test_what_is_returned_is_kept():
    result, cost = cost_of(lambda: bytearray(50 * MB))
    assert len(result) == 50 * MB
    assert 45 * MB < cost.kept <= cost.peak < 60 * MB


@needs_linux
def test_a_peak_before_is_forgotten():
    cost_of(lambda: len(bytearray(50 * MB)))
    _, cost = cost_of(lambda: None)
    assert cost.peak < 5 * MB


@pytest.mark.parametrize(
    "longest, expected", [(1, [1]), (1000, [1000]), (20_000, [1000, 10_000, 20_000])]
)
def test_documents_grow_up_to_the_longest(longest, expected):
    assert sizes(longest) == expected


def test_each_text_has_a_word_of_its_own(monkeypatch):
    monkeypatch.setattr(memory, "DISTINCT", 5)
    texts = list(numbered_texts(12))
    assert [text.rsplit(" ", 1)[1] for text in texts] == [str(number) for number in range(12)]
    bodies = [text.rsplit(" ", 1)[0] for text in texts]
    assert bodies[:5] == bodies[5:10] and len(set(bodies)) == 5


@needs_linux
def test_a_document_is_read(random_folder):
    document = memory.read_document(str(random_folder), 300)
    assert document.words == 300
    assert document.ours.seconds > 0


@needs_linux
@pytest.mark.parametrize("ours, zones", memory.STREAMS.values())
def test_a_stream_is_looked_at_each_time_that_so_many_were_read(
    random_folder, monkeypatch, ours, zones
):
    monkeypatch.setattr(memory, "EVERY", 4)
    samples = memory.read_stream(str(random_folder) if ours else None, 10, zones=zones)
    assert len(samples) == 2
    assert min(samples) > 10 * MB


def test_growth_is_told_after_what_is_made_once():
    grows = [900 * MB + memory.EVERY * 50 * i for i in range(18)]
    stream = Stream("any", [500 * MB, 700 * MB, *grows])
    assert stream.growth == 50
    assert Stream("any", [500 * MB]).growth == 0


@pytest.fixture
def report() -> Report:
    doc, ours = Cost(300 * MB, 200 * MB, 4.0), Cost(90 * MB, 30 * MB, 100.0)
    document = Document(1_000_000, 5000, doc, ours)
    streams = [Stream("with gliner", [600 * MB] * 20), Stream("spaCy alone", [200 * MB] * 20)]
    return Report({"threads": 2}, [document], streams)


def test_the_report_says_what_was_measured(report):
    lines = report.to_markdown().splitlines()
    assert "| threads | 2 |" in lines
    assert "| 1,000,000 | 5,000 | 300.0 | 90.0 | 90 | 10,000 |" in lines
    assert "| with gliner | 600.0 | 600.0 | 600.0 | 0 |" in lines


def test_all_is_written(report, tmp_path):
    pytest.importorskip("matplotlib")
    report.to_disk(tmp_path / "new")
    content = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf8"))
    assert content["documents"][0]["ours"] == {"peak": 90 * MB, "kept": 30 * MB, "seconds": 100.0}
    assert [stream["resident"][0] for stream in content["streams"]] == [600 * MB, 200 * MB]
    assert (tmp_path / "new" / "results.md").read_text(encoding="utf8") == report.to_markdown()
    assert (tmp_path / "new" / "memory.png").read_bytes().startswith(b"\x89PNG")


def test_what_was_not_measured_is_not_drawn(tmp_path):
    Report({}).to_disk(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.md"]
