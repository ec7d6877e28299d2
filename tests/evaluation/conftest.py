import pytest
import spacy
from spacy.language import Language

from spacy_gliner.corpus.passage import Passage
from spacy_gliner.evaluation.gold import Mention, Question
from spacy_gliner.evaluation.predict import Answer

from . import fake_gliner

LEXICON = [
    ["Ada", "person", 0.9],
    ["Paris", "city", 0.8],
    ["Paris", "person", 0.6],
    ["the Paris", "hotel", 0.4],
    ["Lyon", "person", 0.55],
    ["Rhine Valley", "river", 0.7],
    ["Rhine", "river", 0.3],
]


@pytest.fixture
def code():
    """The file to give as --code."""
    return fake_gliner.__file__


@pytest.fixture
def make_nlp():
    def make(mode: str = "flat", **config) -> Language:
        nlp = spacy.blank("en")
        nlp.add_pipe("fake_gliner", config={"lexicon": LEXICON, "mode": mode, **config})
        return nlp

    return make


@pytest.fixture
def make_passage():
    def make(text: str, *spans: tuple[int, int, str], **known) -> Passage:
        words = tuple(text.split())
        return Passage(words, (True,) * len(words), spans, **known)

    return make


@pytest.fixture
def make_answer():
    """An answer from gold and predicted mentions; all scores are 0.5."""

    def make(text: str, gold: list[tuple], predicted: list[tuple]) -> Answer:
        words = tuple(text.split())
        mentions = frozenset(Mention(*mention) for mention in gold)
        asked = Question(words, (True,) * len(words), ("any",), mentions)
        return Answer(asked, {Mention(*mention): 0.5 for mention in predicted})

    return make
