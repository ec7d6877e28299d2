"""This library, and the floor under it."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any
from unittest import mock

import numpy as np
import torch
from spacy.language import Language
from spacy.tokens import Span
from transformers import AutoConfig, AutoModel

from spacy_gliner.pipeline.gliner import GLiNER
from spacy_gliner.shim import shim_of

from .task import THRESHOLD, Job, Prepare, Task, of_docs, words_pipeline


def load_ours(precision: str, job: Job) -> Prepare:
    nlp = _our_pipeline(job, precision=precision)

    def prepare(texts: Sequence[str], labels: Sequence[str]) -> Task:
        _component(nlp).labels = labels
        return Task(lambda: list(nlp.pipe(texts)), partial(of_docs, score=_our_score))

    return prepare


def load_floor(job: Job) -> Prepare:
    """The encoder of transformers on the very rows that ours reads, batched by equal length: it
    computes no padding, and nothing else. Its weights are random, which changes no time.
    """
    nlp = _our_pipeline(job, precision="float32")
    component = _component(nlp)
    checkpoint = shim_of(component.model).checkpoint
    settings: Any = checkpoint.config.encoder_config
    encoder = AutoModel.from_config(AutoConfig.for_model(**settings)).eval()

    @torch.inference_mode()
    def encode(batches: Sequence[torch.Tensor]) -> None:
        for ids in batches:
            encoder(input_ids=ids)

    def prepare(texts: Sequence[str], labels: Sequence[str]) -> Task:
        component.labels = labels
        builder: Any = checkpoint.prompts
        with mock.patch.object(builder, "batch", wraps=builder.batch) as batch:
            list(nlp.pipe(texts))
        rows = [builder.row(*row)[0] for call in batch.call_args_list for row in call.args[0]]
        batches = list(equal_batches(rows, component.max_batch_pieces))
        return Task(lambda: encode(batches), lambda _: [])

    return prepare


def equal_batches(rows: Iterable[np.ndarray], max_pieces: int) -> Iterator[torch.Tensor]:
    """Rows of one length each, together at most `max_pieces`, or a single row."""
    for length, group in groupby(sorted(rows, key=len), key=len):
        yield from torch.from_numpy(np.stack(list(group))).split(max(1, max_pieces // length))


def _our_pipeline(job: Job, *, precision: str) -> Language:
    nlp = words_pipeline()
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(job.folder)}
    settings = {"words": "regex", "threshold": THRESHOLD, "precision": precision}
    nlp.add_pipe("gliner", config={"model": model, **settings})
    if job.whole:
        component = _component(nlp)
        component.window = shim_of(component.model).checkpoint.longest_row
    return nlp


def _component(nlp: Language) -> GLiNER:
    component = nlp.get_pipe("gliner")
    assert isinstance(component, GLiNER)
    return component


def _our_score(ent: Span) -> float:
    """Where gliner-spacy is installed, spaCy imports it, and it takes the name `ent._.score`."""
    return ent._.gliner_scores[ent.label_]
