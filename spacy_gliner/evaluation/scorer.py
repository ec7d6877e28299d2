"""The scorer of `spacy train` and `spacy evaluate`: exact spans, as in `gliner evaluate`."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from spacy.tokens import Span
from spacy.training import Example

from ..corpus.passage import SPANS_KEY, from_doc
from .gold import Mention, asked_labels, gold_mentions
from .metrics import micro, score_by_type


def make_gliner_scorer(spans_key: str = SPANS_KEY) -> Callable[..., dict[str, Any]]:
    """Registered as `spacy_gliner.scorer.v1`.

    spans_key: the group with the predictions of a component that does not write `doc.ents`.
    """
    return partial(gliner_score, spans_key=spans_key)


def gliner_score(
    examples: Iterable[Example], *, mode: str = "flat", spans_key: str = SPANS_KEY, **_: Any
) -> dict[str, Any]:
    """Score predictions against the gold spans of the asked types (`asked_labels`), micro-averaged.

    Gold is read by `from_doc`: from `doc.spans["sc"]`, else from `doc.ents`. Predictions are in
    `doc.ents` in flat mode, in `doc.spans[spans_key]` in the others: `Pipe.score` passes the
    component's `cfg`, so its own mode and key are used. Types are compared in lower case.

    Returns "ents_p", "ents_r", "ents_f" (0 to 1) and "ents_per_type", in every mode; None where
    there is nothing to score.
    """
    by_type = score_by_type(
        (_gold(example), frozenset(_predicted(example, mode, spans_key))) for example in examples
    )
    if not by_type:
        return dict.fromkeys(("ents_p", "ents_r", "ents_f", "ents_per_type"))
    total = micro(by_type.values())
    return {
        "ents_p": total.precision,
        "ents_r": total.recall,
        "ents_f": total.fscore,
        "ents_per_type": {label: score.to_dict() for label, score in by_type.items()},
    }


def _gold(example: Example) -> frozenset[Mention]:
    passage = from_doc(example.reference)
    return gold_mentions(passage, asked_labels(passage))


def _predicted(example: Example, mode: str, spans_key: str) -> Iterator[Mention]:
    """Predictions in the tokens of the reference.

    One whose boundaries are not boundaries of the reference's tokens is wrong, not absent: it gets
    a negative place of its own, which no gold span has.
    """
    doc = example.predicted
    spans: Iterable[Span] = doc.ents if mode == "flat" else doc.spans.get(spans_key, ())
    for span in spans:
        aligned = example.get_aligned_spans_x2y([span], allow_overlap=True)
        start, end = (aligned[0].start, aligned[0].end) if aligned else (~span.start, ~span.end)
        yield Mention(start, end, span.label_.lower())
