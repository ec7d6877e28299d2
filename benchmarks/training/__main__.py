"""Measure, compare and report: `python -m benchmarks.training`."""

import os
from contextlib import ExitStack, closing
from itertools import product
from pathlib import Path
from typing import Annotated

from tqdm import tqdm
from typer import Option, run

from spacy_gliner.pipeline.gliner import PRECISIONS

from ..inference.encoders import ENCODERS, write_checkpoint
from ..inference.report import environment
from ..options import choice
from .contenders import CONTENDERS
from .passages import count_words, make_batches
from .report import Report
from .task import Job
from .turns import measure
from .worker import Worker


def main(
    encoders: Annotated[str, Option(help="Which, with commas between")] = ",".join(ENCODERS),
    precisions: Annotated[str, Option(help="Which, with commas between")] = ",".join(PRECISIONS),
    steps: Annotated[int, Option(min=1, help="Of a run, each with other passages")] = 4,
    passages: Annotated[int, Option(min=1, help="Of a step")] = 8,
    words: Annotated[int, Option(min=1, help="Longer passages are cut")] = 60,
    types: Annotated[int, Option(min=1, help="That each passage is asked for")] = 25,
    rounds: Annotated[int, Option(min=1, help="Runs of each contender")] = 5,
    threads: Annotated[int, Option(help="Of each contender")] = os.cpu_count() or 1,
    output: Annotated[Path, Option(help="For models and results")] = Path("metrics/training"),
) -> None:
    """Train all contenders on the same checkpoint, passages and types, and time it.

    Writes results.json and results.md, even if it is stopped before the end.
    """
    chosen = list(product(choice(encoders, ENCODERS), choice(precisions, PRECISIONS)))
    batches = make_batches(steps, passages, words=words, types=types)
    missing = {name: ", ".join(contender.missing) for name, contender in CONTENDERS.items()}
    setting = {
        "steps of a run": steps,
        "words of a step, on average": count_words(batches) // steps,
        "words of a passage, at most": words,
        "types of a passage": types,
    }
    report = Report(
        environment(threads=threads, batch_size=passages) | setting,
        absent={name: what for name, what in missing.items() if what},
    )
    present = [name for name, what in missing.items() if not what]
    # What libraries read when the contenders' processes begin.
    os.environ |= {"OMP_NUM_THREADS": str(threads), "HF_HUB_OFFLINE": "1"}
    try:
        for encoder, precision in tqdm(chosen):
            folder = write_checkpoint(encoder, output / "models")
            job = Job(folder, precision, threads, batches)
            with ExitStack() as stack:
                workers = {n: stack.enter_context(closing(Worker(n, job))) for n in present}
                report.results.extend(measure(workers, rounds, job, encoder=encoder))
    finally:
        report.to_disk(output)


if __name__ == "__main__":
    run(main)
