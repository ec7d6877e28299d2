"""An evaluation from end to end: data sets -> questions -> answers -> figures."""

from collections.abc import Iterable, Sequence
from typing import Any

from spacy.language import Language

from ..errors import Errors
from ..factories import GNER
from .datasets import read_datasets
from .gold import question
from .predict import above, answer, find_component
from .results import Evaluation, Settings, evaluation


def evaluate(
    nlp: Language,
    data: Iterable[str],
    settings: Settings,
    *,
    component: str | None = None,
    thresholds: Sequence[float] = (),
    decoding: str | None = None,
) -> list[Evaluation]:
    """Evaluate a component of a pipeline zero-shot, on data sets as `read_datasets` takes them.

    component: its name; None: the only one made by our factories.
    thresholds: an evaluation for each, all from one pass of the model, at the lowest, which stays
        set. Without any, one evaluation at the component's own threshold. Only of gliner.
    decoding: instead of the component's own, and it stays set. Only of gner.
    Raises ValueError for data that cannot be read, for a component that cannot be found, and for
    one that has no threshold or decoding where one is given.
    """
    name = find_component(nlp, component)
    pipe: Any = nlp.get_pipe(name)
    factory = nlp.get_pipe_meta(name).factory
    if thresholds and factory == GNER:
        raise ValueError(Errors.G310.format(name=name))
    if decoding is not None:
        if factory != GNER:
            raise ValueError(Errors.G311.format(name=name, factory=factory))
        pipe.decoding = decoding
    datasets = read_datasets(data, nlp.vocab, limit=settings["limit"])
    if thresholds:
        pipe.threshold = min(thresholds)
    answers = {}
    for title, passages in datasets.items():
        questions = [
            question(p, drop_labels=settings["drop_labels"], lower_labels=settings["lower_labels"])
            for p in passages
        ]
        answers[title] = answer(nlp, name, questions, title=title)
    if factory == GNER:
        return [evaluation(answers, settings, None, decoding=pipe.decoding)]
    if not thresholds:
        return [evaluation(answers, settings, pipe.threshold)]
    return [
        evaluation({title: above(given, t) for title, given in answers.items()}, settings, t)
        for t in thresholds
    ]
