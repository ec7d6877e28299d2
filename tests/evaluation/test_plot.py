import sys

import pytest

from spacy_gliner.evaluation.plot import plot_averages
from spacy_gliner.evaluation.report import Row


def test_only_averages_of_the_exact_metric_are_drawn(tmp_path, monkeypatch):
    axes_module = pytest.importorskip("matplotlib.axes")
    drawn = {}

    def barh(self, names, widths, **options):
        drawn.update(zip(names, widths, strict=True))
        return original(self, names, widths, **options)

    original = axes_module.Axes.barh
    monkeypatch.setattr(axes_module.Axes, "barh", barh)
    rows = [
        Row("ours", (80.0, 40.0), ours=True, text_metric=False),
        Row("ours", (90.0, 90.0), ours=True, text_metric=True),
        Row("theirs", (20.0, 30.0), ours=False, text_metric=False),
        Row("unfinished", (20.0, None), ours=True, text_metric=False),
    ]
    plot_averages(rows, tmp_path / "plot.png")
    assert drawn == {"theirs": 25.0, "ours": 60.0}
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")


def test_a_missing_matplotlib_is_named_with_the_fix(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", None)
    with pytest.raises(ImportError, match=r"G308.*pip install spacy-gliner\[report\]"):
        plot_averages([], tmp_path / "plot.png")
