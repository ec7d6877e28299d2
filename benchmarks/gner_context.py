"""What a generative model learns from words that are no entity: the ablations of GNER.

(arXiv 2402.16602) Models are trained to write 0, 2 or all words around each entity, with tags that
say where an entity begins or without, and are asked for sentences that they were trained on and for
new ones. By default they are tiny and learn senseless sentences from scratch, so that it takes
minutes on a CPU; to learn something of language, give a pretrained model and data sets.
`python -m benchmarks.gner_context`, from the root of the repository
"""

import random
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import torch
from spacy.vocab import Vocab
from typer import Option, run

from spacy_gliner.corpus.passage import Passage
from spacy_gliner.evaluation.datasets import read_datasets
from spacy_gliner.evaluation.tables import table
from spacy_gliner.gner.bio import BIO, BOUNDARIES
from spacy_gliner.gner.config import FULL
from tests.gner.learning import f1, learn, make_pipeline, sentences, write_t5

CONTEXTS = (0, 2, FULL)
HEADER = ("boundaries", "context", "decoding", "loss", "F1, trained on", "F1, new")
# So many sentences are asked for.
ASKED = 100


def rows(base: Path | str, train: list[Passage], new: list[Passage], **settings) -> list[list]:
    """A row for each model and decoder. settings: of the training, and the instruction."""
    instruction = settings.pop("instruction")
    found: list[list] = []
    for boundaries in BOUNDARIES:
        for context in CONTEXTS:
            random.seed(0)
            torch.manual_seed(0)
            nlp = make_pipeline(
                base, instruction=instruction, boundaries=boundaries, context=context
            )
            losses = learn(nlp, train, **settings)
            whole = (boundaries, context) == (BIO, FULL)
            for decoding in ("free", "forced") if whole else ("free",):
                scores = [f1(nlp, asked, decoding=decoding) for asked in (train[:ASKED], new)]
                last = sum(losses[-10:]) / len(losses[-10:])
                found.append([boundaries, context, decoding, f"{last:.3f}", *scores])
    return found


def main(
    base: Annotated[str | None, Option(help="A pretrained T5: folder or hub id")] = None,
    train: Annotated[str | None, Option(help="A data set, as for `spacy gliner evaluate`")] = None,
    dev: Annotated[str | None, Option(help="Another one, with new sentences")] = None,
    steps: Annotated[int, Option(help="Of 12 sentences")] = 600,
    rate: Annotated[float, Option(help="The highest learning rate")] = 6e-3,
) -> None:
    learned = _read(train) if train else sentences(1000, seed=0)
    new = _read(dev)[:ASKED] if dev else sentences(ASKED + 6, seed=1)[6:]
    with TemporaryDirectory() as folder:
        own = base or write_t5(Path(folder))
        instruction = None if base else "short"
        found = rows(own, learned, new, steps=steps, rate=rate, instruction=instruction)
    print(table(HEADER, found))


def _read(path: str) -> list[Passage]:
    found = read_datasets([path], Vocab()).values()
    return [passage for own in found for passage in own if passage.words]


if __name__ == "__main__":
    run(main)
