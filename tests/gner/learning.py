"""Small models that learn sentences from scratch, to be found in them or in others like them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import spacy
from spacy.language import Language
from thinc.api import Adam

from spacy_gliner.corpus.passage import Passage, to_doc
from spacy_gliner.evaluation.gold import question
from spacy_gliner.evaluation.metrics import exact_scores, micro
from spacy_gliner.evaluation.predict import answer
from spacy_gliner.gner.instruction import Instruction, instructions
from spacy_gliner.training.readers import to_example
from spacy_gliner.training.schedules import make_warmup_cosine

from .. import tiny
from . import models

COMPONENT = "gner"
BATCH = 12
# The published ones take most of the time with sentences as short as these.
instructions.register("short", func=Instruction("{labels}: {sentence} ="))


def sentences(count: int, *, seed: int) -> list[Passage]:
    """The sentences of `tiny`, and others without sense, with spans that do not overlap."""
    rng = Random(seed)
    texts = [*tiny.SENTENCES, *(tiny.drill(rng) for _ in range(count - len(tiny.SENTENCES)))]
    return [_flat(tiny.marked(text)) for text in texts]


def _flat(passage: Passage) -> Passage:
    spans = tuple(
        (start, end, type_)
        for start, end, type_ in passage.spans
        if not any(s <= start and end <= e and t != type_ for s, e, t in passage.spans)
    )
    return replace(passage, spans=spans, label_set=tuple(tiny.LABELS))


def write_t5(folder: Path) -> Path:
    """As those that GNER was trained from, it has two matrices for input and output."""
    return models.write_t5(folder, width=64, tie_word_embeddings=False, initializer_factor=0.3)


def write_llama(folder: Path) -> Path:
    return models.write_llama(folder, width=64, initializer_range=0.02)


def make_pipeline(base: Path | str, *, instruction: str | None = "short", **settings) -> Language:
    """settings: of the model."""
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.NewGNER.v1", "base": str(base), **settings}
    training = {"precision": "float32", "type_dropout": 0.0, "max_pieces": 4096}
    config = {"model": {**model, "instruction": instruction}, "training": training}
    nlp.add_pipe(COMPONENT, config=config)
    return nlp


def learn(nlp: Language, passages: Sequence[Passage], *, steps: int, rate: float) -> list[float]:
    """Train on a batch of the passages at each step; returns the losses."""
    rng = Random(0)
    examples = [to_example(to_doc(passage, nlp.vocab)) for passage in passages]
    rates = make_warmup_cosine(rate, warmup_steps=20, total_steps=steps)
    optimizer = Adam(rates, beta2=0.99, L2=0.01, grad_clip=1.0, use_averages=False)
    losses = []
    for _ in range(steps):
        batch = rng.sample(examples, min(BATCH, len(examples)))
        losses.append(nlp.update(batch, sgd=optimizer)[COMPONENT])
        optimizer.step_schedules()
    return losses


def f1(nlp: Language, passages: Sequence[Passage], *, decoding: str) -> float:
    """Of exact spans with their labels, in percent."""
    nlp.get_pipe(COMPONENT).decoding = decoding
    answers = answer(nlp, COMPONENT, [question(passage) for passage in passages])
    return 100 * micro(exact_scores(answers).values()).fscore
