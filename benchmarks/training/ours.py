"""Our component, trained as `spacy train` does."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from random import Random
from unittest import mock

import spacy
from thinc.api import Adam

from spacy_gliner.corpus.passage import Passage, to_doc
from spacy_gliner.pipeline.gliner import GLiNER
from spacy_gliner.shim import shim_of
from spacy_gliner.training import learner
from spacy_gliner.training.loss import MIN_POSITIVES
from spacy_gliner.training.readers import to_example
from spacy_gliner.training.rows import Row
from spacy_gliner.training.thesaurus import Thesaurus
from spacy_gliner.training.types import Questioner

from .task import (
    ENCODER_RATE,
    GRADIENT_NORM,
    HEAD_RATE,
    WEIGHT_DECAY,
    Job,
    Outcome,
    Training,
    gradient_norm,
)


class AllTypes(Questioner):
    """Asks each row for its whole label set, and not for a part that chance decides on."""

    def _choose(self, row: Row) -> list[str]:
        return list(row.passages[0].label_set)


def load_ours(job: Job, *, packed: bool) -> Training:
    """packed: short passages share a row, as they do by default; if not, each has its own."""
    random.seed(0)
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(job.folder)}
    training = {"precision": job.precision, "head_rate": HEAD_RATE}
    component = nlp.add_pipe("gliner", config={"model": model, "training": training})
    assert isinstance(component, GLiNER)
    settings = component.learner.settings
    component.learner._questioner = AllTypes(settings, Thesaurus(), Random(0))
    batches = [[to_example(to_doc(p, nlp.vocab)) for p in batch] for batch in job.batches]
    optimizer = Adam(
        ENCODER_RATE,
        L2=WEIGHT_DECAY,
        L2_is_weight_decay=True,
        grad_clip=GRADIENT_NORM,
        use_averages=False,
    )

    def run() -> None:
        with nullcontext() if packed else rows_of_one():
            for examples in batches:
                nlp.update(examples, sgd=optimizer)
                optimizer.step_schedules()

    def probe() -> Outcome:
        positives = max(sum(len(passage.spans) for passage in job.batches[0]), MIN_POSITIVES)
        network = shim_of(component.model).checkpoint.network
        with rows_of_one():
            (loss,) = component.update(batches[0]).values()
        gradient = gradient_norm(network)
        network.zero_grad()
        return Outcome(loss * positives, gradient * positives)

    return Training(run, probe)


@contextmanager
def rows_of_one() -> Iterator[None]:
    """Meanwhile each passage has a row of its own. No setting says so."""

    def pack(passages: Sequence[Passage], **_: object) -> list[Row]:
        return [Row((passage,)) for passage in passages]

    with mock.patch.object(learner, "pack", pack):
        yield
