"""A passage with open-type gold spans, and its form inside a spaCy Doc."""

from collections.abc import Iterable
from dataclasses import dataclass

from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

SPANS_KEY = "sc"


@dataclass(frozen=True)
class Passage:
    """Words, the spans marked on them, and what is known of the types that are not marked.

    words: the words; spaces: whether a space follows each of them.
    spans: (start, end, type), in words, end exclusive; spans may nest and share boundaries.
    absent: types known not to occur (hard negatives).
    label_set: the closed set of types that the passage was annotated for, or empty if it was
        annotated with open types: every type in it without a span is absent.
    source: the name of the data set.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]
    spans: tuple[tuple[int, int, str], ...]
    absent: tuple[str, ...] = ()
    label_set: tuple[str, ...] = ()
    source: str = ""


def to_doc(passage: Passage, vocab: Vocab, spans_key: str = SPANS_KEY) -> Doc:
    """Write the passage as a Doc: spans to `doc.spans[spans_key]`, the rest to its attrs."""
    doc = Doc(vocab, words=list(passage.words), spaces=list(passage.spaces))
    doc.spans[spans_key] = [Span(doc, s, e, label=label) for s, e, label in passage.spans]
    doc.spans[spans_key].attrs.update(
        absent=list(passage.absent), label_set=list(passage.label_set), source=passage.source
    )
    return doc


def from_doc(doc: Doc, spans_key: str = SPANS_KEY) -> Passage:
    """Read gold annotation: `doc.spans[spans_key]` where it exists, `doc.ents` otherwise."""
    spans: Iterable[Span] = doc.ents
    attrs: dict = {}
    if spans_key in doc.spans:
        spans, attrs = doc.spans[spans_key], doc.spans[spans_key].attrs
    return Passage(
        words=tuple(token.text for token in doc),
        spaces=tuple(bool(token.whitespace_) for token in doc),
        spans=tuple((span.start, span.end, span.label_) for span in spans),
        absent=tuple(attrs.get("absent", ())),
        label_set=tuple(attrs.get("label_set", ())),
        source=attrs.get("source", ""),
    )
