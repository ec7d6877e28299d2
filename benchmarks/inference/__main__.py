"""Measure, compare and report: `python -m benchmarks.inference`."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Annotated

from tqdm import tqdm
from typer import Option, run

from spacy_gliner.gliner.checkpoint import Checkpoint

from ..options import choice
from .contenders import CONTENDERS, OURS
from .encoders import ENCODERS, write_checkpoint, write_onnx
from .grid import Result, Setting, measure
from .report import Report, environment
from .task import Job
from .worker import Worker

LABEL_CURVE = [Setting(8, 60, labels) for labels in (5, 10, 25, 50, 100, 200, 500, 1000)]
WORD_CURVE = [Setting(1, words, 5) for words in (20, 60, 200, 1000, 5000, 20_000, 100_000)]


def main(
    encoders: Annotated[str, Option(help="Which, with commas between")] = ",".join(ENCODERS),
    contenders: Annotated[str, Option(help="Which, with commas between")] = ",".join(CONTENDERS),
    texts: Annotated[str, Option(help="Numbers of texts")] = "1,8,256",
    words: Annotated[str, Option(help="Numbers of words a text")] = "20,60,400",
    labels: Annotated[str, Option(help="Numbers of labels")] = "5,25,200",
    rounds: Annotated[int, Option(help="Turns of each contender")] = 5,
    threads: Annotated[int, Option(help="Of each contender")] = os.cpu_count() or 1,
    batch_size: Annotated[int, Option(help="Texts that a peer reads at once")] = 8,
    curves: Annotated[bool, Option(help="Measure how the cost of ours grows, too")] = True,
    output: Annotated[Path, Option(help="For models and results")] = Path("metrics/inference"),
) -> None:
    """Time all contenders on the same checkpoint, texts and labels, and compare their spans.

    Writes results.json, results.md, grid.png and curves.png, even if it is stopped before the end.
    Peers that are not installed are left out; they are the extra `peers`.
    """
    chosen = choice(contenders, CONTENDERS)
    missing = {name: ", ".join(CONTENDERS[name].missing) for name in chosen}
    present = [name for name in chosen if not missing[name]]
    settings = [Setting(*sizes) for sizes in product(*map(_numbers, (texts, words, labels)))]
    report = Report(
        environment(threads=threads, batch_size=batch_size),
        absent={name: what for name, what in missing.items() if what},
    )
    _prepare_processes(threads)
    try:
        for encoder in choice(encoders, ENCODERS):
            folder = write_checkpoint(encoder, output / "models")
            if any("onnx" in CONTENDERS[name].modules for name in present):
                write_onnx(folder)
            job = Job(folder, threads, batch_size, whole=True)
            report.grid.extend(_results(encoder, present, settings, job, rounds))
            if curves:
                job = replace(job, whole=False)
                report.labels.extend(_results(encoder, [OURS], LABEL_CURVE, job, rounds))
                report.words.extend(_results(encoder, [OURS], WORD_CURVE, job, rounds))
    finally:
        report.to_disk(output)


def _results(
    encoder: str, contenders: Sequence[str], settings: Sequence[Setting], job: Job, rounds: int
) -> Iterator[Result]:
    checkpoint = Checkpoint.from_disk(job.folder)
    with ExitStack() as stack, tqdm(settings, desc=encoder) as bar:
        workers = {name: stack.enter_context(closing(Worker(name, job))) for name in contenders}
        for setting in bar:
            bar.set_postfix_str(str(setting))
            yield from measure(workers, setting, rounds, encoder=encoder, checkpoint=checkpoint)


def _prepare_processes(threads: int) -> None:
    """What libraries read from the environment when the contenders' processes begin."""
    for library in ("OMP", "RAYON"):
        os.environ[f"{library}_NUM_THREADS"] = str(threads)
    os.environ["HF_HUB_OFFLINE"] = "1"


def _numbers(numbers: str) -> list[int]:
    return [int(number) for number in numbers.split(",")]


if __name__ == "__main__":
    run(main)
