"""The spans that the reference library finds, those that we find, and how they differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import get_words_and_spaces

from spacy_gliner.pipeline.words import WORD_PATTERN

from .reference import Variant, load
from .texts import LABELS

MODES = ("flat", "nested")
# Two orders of adding up floats differ by less than this.
TOLERANCE = 1e-5

# The spans of one text: (first character, the one after the last, label) -> score.
Spans = dict[tuple[int, int, str], float]


@dataclass(frozen=True)
class Difference:
    """spans: found by either side. differing: found by one side only.

    score: the largest difference between the scores of a span that both found.
    """

    spans: int
    differing: int
    score: float


def compare(folder: Path, variant: Variant, texts: Sequence[str], *, mode: str) -> Difference:
    """Ask both for the spans of `LABELS` in the texts."""
    ask = {"threshold": variant.threshold, "mode": mode}
    theirs = reference_spans(folder, texts, LABELS, batch_size=variant.batch_size, **ask)
    if variant.joins_words:
        theirs = [join_neighbours(spans, text) for spans, text in zip(theirs, texts, strict=True)]
    return difference(our_spans(folder, texts, LABELS, **ask), theirs, threshold=variant.threshold)


def reference_spans(
    folder: Path,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    threshold: float,
    mode: str = "flat",
    batch_size: int = 8,
) -> list[Spans]:
    """What the reference library finds in each text, in one of our modes."""
    found = load(folder).inference(
        list(texts),
        list(labels),
        threshold=threshold,
        flat_ner=mode == "flat",
        multi_label=mode == "multi_label",
        batch_size=batch_size,
    )
    return [
        {(span["start"], span["end"], span["label"]): span["score"] for span in spans}
        for spans in found
    ]


def our_spans(
    folder: Path,
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    threshold: float,
    mode: str = "flat",
) -> list[Spans]:
    """What a pipeline finds in each text."""
    nlp = make_pipeline(folder, labels, threshold=threshold, mode=mode)
    return [doc_spans(doc) for doc in nlp.pipe(texts)]


def make_pipeline(
    folder: Path, labels: Sequence[str], *, threshold: float, mode: str = "flat"
) -> Language:
    """A pipeline whose tokens are the words of the model: spans are never snapped to others."""
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: Doc(
        nlp.vocab, *get_words_and_spaces(WORD_PATTERN.findall(text), text)
    )
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(folder)}
    settings = {"labels": list(labels), "threshold": threshold, "mode": mode}
    nlp.add_pipe("gliner", config={"words": "regex", "model": model, **settings})
    return nlp


def doc_spans(doc: Doc) -> Spans:
    """The spans that were written to a Doc, wherever the mode puts them."""
    spans = [*doc.ents, *doc.spans.get("sc", ())]
    return {(span.start_char, span.end_char, span.label_): span._.score for span in spans}


def difference(ours: Sequence[Spans], theirs: Sequence[Spans], *, threshold: float) -> Difference:
    """Compare the spans of each text.

    A span that one side scores just above the threshold, and the other perhaps just below, does
    not count as differing.
    """
    pairs = list(zip(ours, theirs, strict=True))
    apart = [
        score
        for a, b in pairs
        for span, score in {**a, **b}.items()
        if (span in a) != (span in b) and score > threshold + TOLERANCE
    ]
    scores = [abs(a[span] - b[span]) for a, b in pairs for span in a.keys() & b.keys()]
    return Difference(
        spans=sum(len(a.keys() | b.keys()) for a, b in pairs),
        differing=len(apart),
        score=max(scores, default=0.0),
    )


def join_neighbours(spans: Spans, text: str) -> Spans:
    """What users of NuNER Zero, whose spans are single words, make of them: neighbours with the
    same label become one span, here with the lowest of their scores.
    """
    joined: Spans = {}
    by_label = sorted(spans.items(), key=lambda item: (item[0][2], item[0]))
    for (start, end, label), score in by_label:
        last = next(reversed(joined), None)
        if last and last[2] == label and not text[last[1] : start].strip():
            score = min(score, joined.pop(last))
            start = last[0]
        joined[start, end, label] = score
    return joined
