"""Asking a pipeline the questions of a data set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from tqdm import tqdm

from ..errors import Errors
from ..factories import FACTORIES
from .gold import Mention, Question


@dataclass(frozen=True)
class Answer:
    """A question and what was predicted: each mention with its score, types lower-cased.

    A score is None if the component gives none.
    """

    question: Question
    scores: Mapping[Mention, float | None]


def find_component(
    nlp: Language, name: str | None = None, *, factories: Sequence[str] = FACTORIES
) -> str:
    """The name of the component that is meant: the one given, or the only one of our factories.

    Raises ValueError if there is none, or more than one to choose from.
    """
    made = [pipe for pipe in nlp.pipe_names if nlp.get_pipe_meta(pipe).factory in factories]
    candidates = [pipe for pipe in nlp.pipe_names if pipe == name] if name else made
    if len(candidates) != 1:
        ours = " or ".join(map(repr, factories))
        raise ValueError(
            Errors.G303.format(name=name, factories=ours, made=made, pipes=nlp.pipe_names)
        )
    return candidates[0]


def answer(
    nlp: Language, component: str, questions: Sequence[Question], *, title: str = ""
) -> list[Answer]:
    """Ask the named component every question; one answer a question, in order.

    The component runs alone: entities of other components would neither be its merit nor its fault.
    A question without labels has nothing to be asked, and an empty answer.
    """
    pipe: Any = nlp.get_pipe(component)
    asked = [
        (_to_doc(q, nlp, pipe.labels_extension), i) for i, q in enumerate(questions) if q.labels
    ]
    found: dict[int, Mapping[Mention, float | None]] = {}
    with nlp.select_pipes(enable=component):
        docs = nlp.pipe(asked, as_tuples=True)
        for doc, i in tqdm(docs, desc=title, total=len(asked), disable=None):
            spans = doc.ents if pipe.mode == "flat" else doc.spans[pipe.spans_key]
            found[i] = {Mention(s.start, s.end, s.label_.lower()): s._.score for s in spans}
    return [Answer(q, found[i] if q.labels else {}) for i, q in enumerate(questions)]


def above(answers: Sequence[Answer], threshold: float) -> list[Answer]:
    """What the component would have answered at this threshold, had it been above the one used.

    Exact for best-first greedy decoding, flat or nested. The decoder goes through the candidates in
    the order of their scores, and keeps one unless it conflicts with one kept before it. A higher
    threshold only cuts the end of that order off; what happens up to the cut does not depend on
    what comes after it. So the spans kept at the higher threshold are those kept at the lower one
    whose scores pass: a span never gives way to one which scores less. (It would not hold for a
    decoder that joins spans, or ranks them by something else than the score it compares.)
    """
    return [
        replace(given, scores={m: s for m, s in given.scores.items() if s and s > threshold})
        for given in answers
    ]


def _to_doc(question: Question, nlp: Language, labels_extension: str) -> Doc:
    """The text without its gold, in the gold's own words, so that boundaries can be compared."""
    doc = Doc(nlp.vocab, words=list(question.words), spaces=list(question.spaces))
    doc._.set(labels_extension, list(question.labels))
    return doc
