"""The averages of the report as a bar plot. Needs matplotlib, the extra `report`."""

from collections.abc import Iterable
from pathlib import Path

from ..errors import Errors
from .report import Row

OURS, OTHERS = "#0b6e99", "#b8bec4"


def plot_averages(rows: Iterable[Row], path: Path) -> None:
    """Draw the averages of exact F1 as a PNG, the best on top; rows without one have no bar.

    Raises ImportError if matplotlib is missing.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError(Errors.G308) from error
    # The looser metric stays out: two metrics on one axis would invite comparing them.
    bars = [(r.average, r) for r in rows if r.average is not None and not r.text_metric]
    bars.sort(key=lambda bar: bar[0])
    figure = Figure(figsize=(7, 0.8 + 0.34 * len(bars)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    container = axes.barh(
        [row.name for _, row in bars],
        [average for average, _ in bars],
        color=[OURS if row.ours else OTHERS for _, row in bars],
        height=0.7,
    )
    axes.bar_label(container, fmt="%.1f", padding=4)
    axes.set_title("Zero-shot F1, average of seven data sets", loc="left")
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    figure.savefig(path, format="png", dpi=150)
