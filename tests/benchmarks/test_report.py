import json

import pytest

from benchmarks.inference.agreement import Agreement
from benchmarks.inference.contenders import OURS
from benchmarks.inference.grid import Result, Setting
from benchmarks.inference.report import Report

SAME, OTHER = Agreement(10, 10, 0, 1e-6), Agreement(10, 8, 2, 1e-6)
SMALL, LARGE = Setting(1, 20, 5), Setting(8, 400, 200)


@pytest.fixture
def report():
    results = [
        Result("tiny", SMALL, "gliner", True, (0.4, 0.4), 3_000_000, OTHER),
        Result("tiny", SMALL, OURS, True, (0.1, 0.3), 2_000_000, SAME),
        Result("tiny", LARGE, OURS, False, (2.0,), 4_000_000, SAME),
        Result("tiny", LARGE, "gliner", False, error="RuntimeError: too long"),
    ]
    curve = [Result("tiny", Setting(8, 60, n), OURS, True, (n / 100,)) for n in (5, 50)]
    return Report({"threads": 2}, {"fast-gliner": "fast_gliner"}, results, curve, curve)


def test_the_report_says_what_was_measured(report):
    lines = report.to_markdown().splitlines()
    assert f"| texts x words, labels | {OURS} | gliner |" in lines
    assert "| 1 x 20, 5 | 0.2 (1.00) | 0.4 (2.00) wrong |" in lines
    assert "| 8 x 400, 200 (*) | 2 (1.00) | - |" in lines
    assert "| 1 x 20, 5 | 100.00 | 80.00 wrong |" in lines
    assert "| 1 x 20, 5 | 2 | 3 |" in lines
    assert any(line.startswith("(*) ") for line in lines)
    assert "| tiny | 8 | 60 | 50 | 0.5 |" in lines
    assert "Not here: fast-gliner, without fast_gliner" in lines
    assert "gliner, tiny, 1 x 20, 5: 2 of 10 spans differ" in lines
    assert "gliner, tiny, 8 x 400, 200: RuntimeError: too long" in lines


def test_all_is_written(report, tmp_path):
    pytest.importorskip("matplotlib")
    report.to_disk(tmp_path / "new")
    content = json.loads((tmp_path / "new" / "results.json").read_text(encoding="utf8"))
    assert [result["seconds"] for result in content["grid"]] == [[0.4, 0.4], [0.1, 0.3], [2.0], []]
    assert (tmp_path / "new" / "results.md").read_text(encoding="utf8") == report.to_markdown()
    for name in ("grid.png", "curves.png"):
        assert (tmp_path / "new" / name).read_bytes().startswith(b"\x89PNG")


def test_what_was_not_measured_is_not_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    Report({}, {}).to_disk(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results.json", "results.md"]
