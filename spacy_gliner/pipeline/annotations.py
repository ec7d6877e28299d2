"""Predictions on a Doc: `doc.ents` or `doc.spans`, and the score of each span."""

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from math import isnan
from typing import Any

import numpy as np
from spacy.tokens import Doc, Span, SpanGroup

from ..errors import Errors, Warnings

EXISTING = ("keep", "replace")
SCORES = "gliner_scores"


@dataclass(frozen=True, eq=False)
class Prediction:
    """Labelled spans of one Doc. Four sequences of one length.

    start, end: tokens, end exclusive. *Shape:* (spans,)
    labels: the label of each span. scores: in [0, 1]; NaN where there is none. *Shape:* (spans,)
    """

    start: np.ndarray
    end: np.ndarray
    labels: Sequence[str]
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def spans(self, doc: Doc) -> list[Span]:
        bounds = zip(self.start.tolist(), self.end.tolist(), self.labels, strict=True)
        return [Span(doc, start, end, label=label) for start, end, label in bounds]


def set_ents(doc: Doc, prediction: Prediction, *, existing: str) -> np.ndarray:
    """Add spans to `doc.ents`; where they overlap each other, the one with the best score.

    Decoded spans of words may overlap in tokens where a token holds parts of several words.

    existing: what becomes of entities and blocked tokens that a predicted span overlaps. "keep":
        they stay, and the predicted span is left out. "replace": the predicted span takes the
        place of the whole entity, and of the blocked tokens inside it.
    All others stay as they are. As after spaCy's own `ner`, every other token is then marked as
    outside any entity, none as missing.

    Returns which spans were written. *Shape:* (spans,) bool
    Raises ValueError [G001] for another value of `existing`.
    """
    if existing not in EXISTING:
        choices = ", ".join(EXISTING)
        raise ValueError(
            Errors.G001.format(setting="existing_ents", value=existing, choices=choices)
        )
    blocked = (doc.to_array("ENT_IOB") == 3) & (doc.to_array("ENT_TYPE") == 0)
    old = doc.ents
    protected = blocked | _covered(doc, old) if existing == "keep" else np.zeros_like(blocked)
    written = _best_apart(prediction, protected)
    new = list(compress(prediction.spans(doc), written))
    taken = _covered(doc, new)
    replaced = np.array([taken[ent.start : ent.end].any() for ent in old], dtype=bool)
    for token in chain.from_iterable(compress(old, replaced)):
        token.ent_id = token.ent_kb_id = 0  # or else the new entity has the old one's
    doc.set_ents(
        [*compress(old, ~replaced), *new],
        blocked=[doc[i : i + 1] for i in np.flatnonzero(blocked & ~taken).tolist()],
        default="outside",
    )
    _write_scores(doc, new, prediction.scores[written])
    return written


def set_spans(doc: Doc, prediction: Prediction, *, spans_key: str) -> None:
    """Put the spans into `doc.spans[spans_key]`, in place of what was there.

    Their scores, in the same order, are in the group's `attrs["scores"]`, as spaCy's spancat has
    them. *Shape:* (spans,)
    """
    spans = prediction.spans(doc)
    attrs = {"scores": np.array(prediction.scores)}
    doc.spans[spans_key] = SpanGroup(doc, name=spans_key, spans=spans, attrs=attrs)
    _write_scores(doc, spans, prediction.scores)


def register_extensions() -> None:
    """Make `span._.score` and `span._.gliner_scores` known to spaCy; again is harmless.

    `score` is the score of a span with these boundaries and this label, or None if it was not
    predicted, or has no score. `gliner_scores` holds it: a mapping of label to score for these
    boundaries, or None.
    Another extension named `score` stays, with a warning [G040].
    """
    if not Span.has_extension(SCORES):
        Span.set_extension(SCORES, default=None)
    if not Span.has_extension("score"):
        Span.set_extension("score", getter=_score)
    elif Span.get_extension("score")[2] is not _score:  # default, method, getter, setter
        warnings.warn(Warnings.G040, UserWarning, stacklevel=2)


def _score(span: Span) -> float | None:
    return span.doc.user_data.get(_key(span), {}).get(span.label_)


def _write_scores(doc: Doc, spans: Iterable[Span], scores: np.ndarray) -> None:
    for span, score in zip(spans, scores.tolist(), strict=True):
        scores_here = doc.user_data.get(_key(span), {})
        doc.user_data[_key(span)] = {**scores_here, span.label_: None if isnan(score) else score}


def _key(span: Span) -> Any:
    """Where spaCy keeps a span's extension (though it declares that all its keys are strings).

    It moves such keys along with the text, in `Doc.from_docs` and `span.as_doc`.
    """
    return ("._.", SCORES, span.start_char, span.end_char)


def _covered(doc: Doc, spans: Iterable[Span]) -> np.ndarray:
    """Which tokens lie in a span. *Shape:* (tokens,) bool"""
    covered = np.zeros(len(doc), dtype=bool)
    for span in spans:
        covered[span.start : span.end] = True
    return covered


def _best_apart(prediction: Prediction, protected: np.ndarray) -> np.ndarray:
    """Choose spans, best score first, that share no token with each other or a protected one.

    protected: *Shape:* (tokens,) bool. Returns a mask. *Shape:* (spans,) bool
    """
    taken = protected.copy()
    chosen = np.zeros(len(prediction), dtype=bool)
    for i in np.argsort(-prediction.scores, kind="stable"):
        tokens = slice(prediction.start[i], prediction.end[i])
        if not taken[tokens].any():
            taken[tokens] = chosen[i] = True
    return chosen
