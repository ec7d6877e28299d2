"""The components' factories. spaCy imports this at every start, so nothing here imports torch."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Model

from .pipeline.labels import DEFAULT_THRESHOLD

DEFAULT_CONFIG = {
    "model": {"@architectures": "spacy_gliner.GLiNER.v1", "name": "default"},
    "labels": [],
    "threshold": DEFAULT_THRESHOLD,
    "mode": "flat",
    "spans_key": "sc",
    "existing_ents": "keep",
    "words": "spacy",
    "window": None,
    "overlap": None,
    "max_batch_pieces": 4096,
    "precision": "float32",
    "training": {},
    "scorer": {"@scorers": "spacy_gliner.scorer.v1"},
}


@Language.factory(
    "gliner",
    default_config=DEFAULT_CONFIG,
    assigns=["doc.ents", "doc.spans"],
    default_score_weights={"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None},
)
def make_gliner(
    nlp: Language,
    name: str,
    model: Model,
    labels: Any,
    threshold: Any,
    mode: str,
    spans_key: str,
    existing_ents: str,
    words: str,
    window: int | None,
    overlap: int | None,
    max_batch_pieces: int,
    precision: str,
    training: dict[str, Any],
    scorer: Callable | None,
) -> Any:
    """Make a GLiNER component; `labels` and `threshold` are checked there, to say what is wrong."""
    from .pipeline.gliner import GLiNER
    from .pipeline.shared import TOK2VEC, SharedGLiNER

    component = SharedGLiNER if model.has_ref(TOK2VEC) else GLiNER
    return component(
        nlp.vocab,
        model,
        name,
        labels=labels,
        threshold=threshold,
        mode=mode,
        spans_key=spans_key,
        existing_ents=existing_ents,
        words=words,
        window=window,
        overlap=overlap,
        max_batch_pieces=max_batch_pieces,
        precision=precision,
        training=training,
        scorer=scorer,
    )
