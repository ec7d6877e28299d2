"""Whether memory is bounded: documents of more and more words, and a stream of very many texts.

Each is read in a process of its own, with a model that is loaded already and has read a text.
`python -m benchmarks.memory`, from the root of the repository. Needs Linux, and matplotlib.
"""

import gc
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from ctypes import CDLL
from dataclasses import dataclass, field
from importlib.metadata import version
from itertools import count, cycle, islice, takewhile
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import spacy
import torch
from spacy.language import Language
from spacy.util import minibatch
from tqdm import tqdm
from typer import Option, run

from spacy_gliner.evaluation.tables import table

from .inference.texts import make_labels, make_texts
from .process import forget_peak, resident
from .results import write_results

COMPONENT = "gliner"
SHORTEST = 1000
# Words of the texts of a stream. So many differ, but for a number that is in no other text.
TEXT_WORDS, DISTINCT = 20, 10_000
# Memory is looked at each time that so many texts were read.
EVERY = 1000
# The pipelines that read a stream: with our component, and each thousand texts in a memory zone.
STREAMS = {
    "spaCy alone": (False, False),
    "with gliner": (True, False),
    "with gliner, in memory zones": (True, True),
}


@dataclass(frozen=True)
class Cost:
    """peak: the most resident memory above that before, in bytes. kept: what is left of it.

    seconds: how long it took.
    """

    peak: int
    kept: int
    seconds: float


@dataclass(frozen=True)
class Document:
    """words, entities: how many. doc: what spaCy takes to make the Doc. ours: what we take then."""

    words: int
    entities: int
    doc: Cost
    ours: Cost


@dataclass(frozen=True)
class Stream:
    """resident: memory of the process each `EVERY` texts, in bytes."""

    pipeline: str
    resident: list[int]

    @property
    def settled(self) -> int:
        """The sample after a tenth of the texts, the second at the earliest, when all that is made
        once was made.
        """
        return min(max(1, len(self.resident) // 10), len(self.resident) - 1)

    @property
    def growth(self) -> float:
        """Bytes a text from then on."""
        samples = self.resident[self.settled :]
        return (samples[-1] - samples[0]) / max(1, EVERY * (len(samples) - 1))


@dataclass(frozen=True)
class Report:
    environment: dict[str, object]
    documents: list[Document] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    def to_disk(self, folder: Path) -> None:
        """Write results.json and results.md, and memory.png once a stream was read."""
        write_results(self, folder)
        if self.streams:
            self._plot(folder / "memory.png")

    def to_markdown(self) -> str:
        header = ["words", "entities", "Doc, MB", "ours, MB", "ours, bytes a word", "words/s"]
        documents = [
            [
                f"{d.words:,}",
                f"{d.entities:,}",
                d.doc.peak / 1e6,
                d.ours.peak / 1e6,
                round(d.ours.peak / d.words),
                f"{d.words / d.ours.seconds:,.0f}",
            ]
            for d in self.documents
        ]
        streams = [
            [s.pipeline, *(s.resident[i] / 1e6 for i in (0, s.settled, -1)), round(s.growth)]
            for s in self.streams
        ]
        parts = ["# Memory", table(["environment", ""], self.environment.items())]
        parts += ["## One document", table(header, documents)]
        parts += ["The most memory above that before: to make the Doc, and then to annotate it."]
        parts += [f"## A stream of texts of {TEXT_WORDS} words"]
        header = ["pipeline", "first, MB", "after a tenth, MB", "last, MB", "then bytes a text"]
        parts += [table(header, streams)]
        parts += ["Each text has a word that was in none before, which spaCy's vocabulary keeps."]
        return "\n\n".join(parts) + "\n"

    def _plot(self, path: Path) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(11, 4), layout="constrained")
        FigureCanvasAgg(figure)
        left, right = figure.subplots(1, 2)
        words = [d.words for d in self.documents]
        left.plot(words, [d.doc.peak / 1e6 for d in self.documents], "s-", label="Doc, by spaCy")
        left.plot(words, [d.ours.peak / 1e6 for d in self.documents], "o-", label="ours")
        left.set(xscale="log", yscale="log", xlabel="words", ylabel="MB", title="One document")
        for stream in self.streams:
            texts = [EVERY * (i + 1) for i in range(len(stream.resident))]
            right.plot(texts, [bytes_ / 1e6 for bytes_ in stream.resident], label=stream.pipeline)
        right.set(xlabel="texts", ylabel="MB of the process", ylim=(0, None), title="A stream")
        for panel in (left, right):
            panel.grid(alpha=0.3)
            panel.legend(frameon=False)
        figure.savefig(path, format="png", dpi=150)


def cost_of(task: Callable[[], Any]) -> tuple[Any, Cost]:
    """What a task returns, and what it costs."""
    settle()
    before, begin = resident("VmHWM"), perf_counter()
    result = task()
    seconds, peak = perf_counter() - begin, resident("VmHWM")
    settle()
    return result, Cost(peak - before, resident("VmRSS") - before, seconds)


def settle() -> None:
    """Give back to the system what is free, and make Linux forget the peak that was."""
    gc.collect()
    CDLL(None).malloc_trim(0)
    forget_peak()


def read_document(model: str, words: int) -> Document:
    nlp = make_pipeline(model)
    nlp(*make_texts(1, SHORTEST))
    (text,) = make_texts(1, words)
    nlp.max_length = len(text)
    doc, making = cost_of(lambda: nlp.make_doc(text))
    doc, annotating = cost_of(lambda: nlp.get_pipe(COMPONENT)(doc))
    return Document(words, len(doc.ents), making, annotating)


def read_stream(model: str | None, texts: int, *, zones: bool) -> list[int]:
    """The resident memory, in bytes, each `EVERY` texts. model: none for spaCy alone."""
    nlp = make_pipeline(model)
    samples: list[int] = []
    stream = numbered_texts(texts)
    for part in minibatch(stream, EVERY) if zones else [stream]:
        with nlp.memory_zone() if zones else nullcontext():
            for _ in islice(nlp.pipe(part), EVERY - 1, None, EVERY):
                samples.append(resident("VmRSS"))
    return samples


def numbered_texts(texts: int) -> Iterator[str]:
    """So many texts, of words that come again, but for one."""
    distinct = make_texts(min(DISTINCT, texts), TEXT_WORDS - 1)
    return (f"{text} {number}" for number, text in zip(range(texts), cycle(distinct), strict=False))


def make_pipeline(model: str | None) -> Language:
    nlp = spacy.blank("en")
    if model is not None:
        architecture = {"@architectures": "spacy_gliner.GLiNER.v1", "name": model}
        nlp.add_pipe(COMPONENT, config={"model": architecture, "labels": make_labels(5)})
    return nlp


def sizes(longest: int) -> list[int]:
    """Ten times as many words each time, up to the longest document."""
    return [*takewhile(lambda words: words < longest, (SHORTEST * 10**i for i in count())), longest]


def main(
    model: Annotated[str, Option(help="default, a folder or a hub id")] = "default",
    words: Annotated[int, Option(min=1, help="Of the longest document")] = 1_000_000,
    docs: Annotated[int, Option(min=EVERY, help="Texts of the stream")] = 100_000,
    output: Annotated[Path, Option(help="For the results")] = Path("metrics/memory"),
) -> None:
    """Write results.json, results.md and memory.png, even if it is stopped before the end."""
    packages = {name: version(name) for name in ("spacy", "torch")}
    report = Report({"model": model, "threads": torch.get_num_threads(), **packages})
    try:
        for size in tqdm(sizes(words), desc="documents"):
            report.documents.append(_alone(read_document, model, size))
        for pipeline, (ours, zones) in tqdm(STREAMS.items(), desc="streams"):
            samples = _alone(read_stream, model if ours else None, docs, zones=zones)
            report.streams.append(Stream(pipeline, samples))
    finally:
        report.to_disk(output)


def _alone(function: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *args, **settings).result()


if __name__ == "__main__":
    run(main)
