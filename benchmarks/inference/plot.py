"""The results as plots. Needs matplotlib, the extra `report`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .contenders import CONTENDERS, OURS
from .grid import Result

MARKERS = dict(zip(CONTENDERS, "oDs^v<>PX*", strict=False))


def plot_grid(results: Sequence[Result], path: Path) -> None:
    """For each encoder and setting how many times as long as ours each contender takes."""
    encoders = list(dict.fromkeys(result.encoder for result in results))
    settings = list(dict.fromkeys(result.setting for result in results))
    figure, axes = _figure(len(encoders), height=1.6 + 0.3 * len(settings))
    for encoder, panel in zip(encoders, axes, strict=True):
        own = [result for result in results if result.encoder == encoder]
        ours = {result.setting: result for result in own if result.contender == OURS}
        for contender in dict.fromkeys(result.contender for result in own):
            points = [
                (times, settings.index(result.setting))
                for result in own
                if result.contender == contender
                and (times := result.ratio(ours.get(result.setting))) is not None
            ]
            x, y = zip(*points, strict=True) if points else ((), ())
            panel.plot(x, y, MARKERS[contender], linestyle="none", label=contender, alpha=0.8)
        panel.axvline(1.0, color="black", linewidth=0.8)
        panel.set(xscale="log", title=encoder, xlabel=f"times as long as {OURS}")
        panel.set_yticks(range(len(settings)), list(map(str, settings)))
        panel.invert_yaxis()
        panel.xaxis.set_major_formatter("{x:g}")
        panel.xaxis.set_minor_formatter("{x:g}")
        panel.grid(alpha=0.3, which="both")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    figure.savefig(path, format="png", dpi=150)


def plot_curves(labels: Sequence[Result], words: Sequence[Result], path: Path) -> None:
    """The cost of labels and of words, each beside a line for a cost that grows as they do."""
    figure, axes = _figure(2, height=4.0)
    for name, results, panel in zip(("labels", "words"), (labels, words), axes, strict=True):
        for encoder in dict.fromkeys(result.encoder for result in results):
            own = [result for result in results if result.encoder == encoder and result.median]
            sizes = [getattr(result.setting, name) for result in own]
            times = [result.median for result in own]
            (line,) = panel.plot(sizes, times, "o-", label=encoder)
            linear = [times[-1] * size / sizes[-1] for size in sizes]
            panel.plot(sizes, linear, ":", color=line.get_color(), label="linear")
        panel.set(
            xscale="log", yscale="log", xlabel=name, ylabel="seconds", title=f"Cost of {name}"
        )
        panel.grid(alpha=0.3)
        panel.legend(frameon=False)
    figure.savefig(path, format="png", dpi=150)


def _figure(panels: int, *, height: float) -> tuple[Figure, Sequence[Any]]:
    figure = Figure(figsize=(5.5 * panels, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, panels, squeeze=False)[0]
