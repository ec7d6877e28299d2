"""Others who read the same checkpoint, each called as its own documentation recommends."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from .agreement import Spans
from .encoders import ONNX_FILE
from .task import THRESHOLD, Job, Prepare, Task, of_docs, words_pipeline


def load_gliner(job: Job, **settings: Any) -> Prepare:
    from gliner import GLiNER

    model = GLiNER.from_pretrained(str(job.folder), local_files_only=True, **settings)

    def prepare(texts: Sequence[str], labels: Sequence[str]) -> Task:
        run = partial(
            model.inference,
            list(texts),
            list(labels),
            threshold=THRESHOLD,
            batch_size=job.batch_size,
        )
        return Task(run, _of_dicts)

    return prepare


def load_gliner_onnx(job: Job) -> Prepare:
    from onnxruntime import SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = job.threads
    graph = {"load_onnx_model": True, "load_tokenizer": True, "onnx_model_file": ONNX_FILE}
    return load_gliner(job, session_options=options, **graph)


def load_fast_gliner(job: Job) -> Prepare:
    """Always starts four threads; but nobody has more processors than `job.threads`."""
    from fast_gliner import FastGLiNER

    model = FastGLiNER.from_pretrained(str(job.folder), onnx_path=ONNX_FILE)

    def prepare(texts: Sequence[str], labels: Sequence[str]) -> Task:
        names, size = list(labels), job.batch_size
        parts = [list(texts[i : i + size]) for i in range(0, len(texts), size)]
        return Task(
            lambda: [found for part in parts for found in model.predict_entities(part, names)],
            lambda found: list(map(in_characters, _of_dicts(found), texts)),
        )

    return prepare


def load_gliner_spacy(job: Job) -> Prepare:
    """Reads whole texts, not chunks of 250 characters, so as to find what the others find."""
    nlp = words_pipeline()
    settings = {"gliner_model": str(job.folder), "threshold": THRESHOLD, "chunk_size": 10**9}
    component: Any = nlp.add_pipe("gliner_spacy", config=settings)

    def prepare(texts: Sequence[str], labels: Sequence[str]) -> Task:
        component.labels = list(labels)
        return Task(lambda: list(nlp.pipe(texts)), partial(of_docs, score=lambda ent: ent._.score))

    return prepare


def in_characters(spans: Spans, text: str) -> Spans:
    """fast-gliner counts bytes."""
    place = {len(text[:i].encode()): i for i in range(len(text) + 1)}
    return {(place[start], place[end], label): s for (start, end, label), s in spans.items()}


def _of_dicts(texts: Iterable[Iterable[dict[str, Any]]]) -> list[Spans]:
    return [
        {(span["start"], span["end"], span["label"]): span["score"] for span in spans}
        for spans in texts
    ]
