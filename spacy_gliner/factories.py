"""The components' factories. spaCy imports this at every start, so nothing here imports torch."""

from collections.abc import Callable
from typing import Any

from spacy.language import Language
from thinc.api import Model

from .pipeline.labels import DEFAULT_THRESHOLD

# The components that find what they are asked for.
GLINER, GNER = FACTORIES = ("gliner", "gner")

COMMON_CONFIG = {
    "labels": [],
    "spans_key": "sc",
    "existing_ents": "keep",
    "words": "spacy",
    "max_batch_pieces": 4096,
    "precision": "float32",
    "training": {},
    "scorer": {"@scorers": "spacy_gliner.scorer.v1"},
}
DEFAULT_CONFIG = {
    **COMMON_CONFIG,
    "model": {"@architectures": "spacy_gliner.GLiNER.v1", "name": "default"},
    "threshold": DEFAULT_THRESHOLD,
    "mode": "flat",
    "window": None,
    "overlap": None,
}
GNER_DEFAULT_CONFIG = {
    **COMMON_CONFIG,
    "model": {"@architectures": "spacy_gliner.GNER.v1", "name": None},
    "decoding": "forced",
    "beam": 1,
    "outside_bias": 0.0,
    "draft": 16,
    "window": 512,
    "overlap": 16,
}
SCORE_WEIGHTS = {"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None}


@Language.factory(
    GLINER,
    default_config=DEFAULT_CONFIG,
    assigns=["doc.ents", "doc.spans"],
    default_score_weights=SCORE_WEIGHTS,
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


@Language.factory(
    GNER,
    default_config=GNER_DEFAULT_CONFIG,
    assigns=["doc.ents"],
    default_score_weights=SCORE_WEIGHTS,
)
def make_gner(
    nlp: Language,
    name: str,
    model: Model,
    labels: Any,
    decoding: str,
    beam: int,
    outside_bias: float,
    draft: int,
    spans_key: str,
    existing_ents: str,
    words: str,
    window: int,
    overlap: int,
    max_batch_pieces: int,
    precision: str,
    training: dict[str, Any],
    scorer: Callable | None,
) -> Any:
    """Make a GNER component; `labels` are checked there, to say what is wrong."""
    from .pipeline.gner import GNER

    return GNER(
        nlp.vocab,
        model,
        name,
        labels=labels,
        decoding=decoding,
        beam=beam,
        outside_bias=outside_bias,
        draft=draft,
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
