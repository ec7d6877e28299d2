from collections import Counter

import pytest
import spacy
from spacy.tokens import Doc, Span
from spacy.training import Example

from spacy_gliner.corpus.passage import Passage, to_doc
from spacy_gliner.pipeline.labels import LabelSet
from spacy_gliner.training.gold import read_example

from ..tiny import passage

NONE = LabelSet.create([])
nlp = spacy.blank("en")


def example(reference: Doc, words: list[str] | None = None, spaces: list[bool] | None = None):
    words = [token.text for token in reference] if words is None else words
    return Example(Doc(nlp.vocab, words=words, spaces=spaces), reference)


def read(example, *, labels=NONE, words="spacy", spans_key="sc") -> tuple[Passage, Counter]:
    dropped: Counter[str] = Counter()
    found = read_example(example, spans_key=spans_key, words=words, labels=labels, dropped=dropped)
    return found, +dropped


def text_spans(passage: Passage) -> list[tuple[str, str]]:
    return [(" ".join(passage.words[s:e]), type_) for s, e, type_ in passage.spans]


@pytest.fixture
def reference() -> Doc:
    """Marked in the entities and, otherwise, in the group "sc"."""
    marked = passage("Ada met Olaf in Oslo", ("Ada", "person"), ("Ada met", "nonsense"))
    doc = to_doc(marked, nlp.vocab)
    doc.ents = [Span(doc, 4, 5, label="city")]
    return doc


def test_spans_of_the_group_come_first(reference):
    found, _ = read(example(reference))
    assert text_spans(found) == [("Ada", "person"), ("Ada met", "nonsense")]


def test_another_group_is_read_by_its_key(reference):
    reference.spans["mine"] = [Span(reference, 2, 3, label="person")]
    assert text_spans(read(example(reference), spans_key="mine")[0]) == [("Olaf", "person")]


def test_entities_are_read_where_there_is_no_such_group(reference):
    assert text_spans(read(example(reference), spans_key="none")[0]) == [("Oslo", "city")]


def test_spans_move_to_the_words_of_the_prediction():
    """Tokens need not be the same; the words are those that the component will see."""
    reference = to_doc(passage("the New York based press", ("New York", "city")), nlp.vocab)
    predicted = ["the", "New", "York", "ba", "sed", "press"]
    found, dropped = read(example(reference, predicted, [True] * 3 + [False, True, False]))
    assert found.words == tuple(predicted)
    assert text_spans(found) == [("New York", "city")]
    assert not dropped


def test_a_span_that_ends_inside_a_word_is_counted():
    reference = Doc(
        nlp.vocab, words=["New", "York", "-", "based"], spaces=[True, False, False, False]
    )
    reference.spans["sc"] = [Span(reference, 0, 2, "city"), Span(reference, 0, 4, "thing")]
    found, dropped = read(example(reference, ["New", "York-based"], [True, False]))
    assert text_spans(found) == [("New York-based", "thing")]
    assert dropped == {"misaligned": 1}


def test_white_space_is_no_word():
    words = ["Ada", "\n\n", "met", "Olaf"]
    reference = Doc(nlp.vocab, words=words, spaces=[True, False, True, False])
    reference.spans["sc"] = [Span(reference, 3, 4, "person")]
    found, dropped = read(example(reference, words, [True, False, True, False]))
    assert found.words == ("Ada", "met", "Olaf")
    assert text_spans(found) == [("Olaf", "person")]
    assert not dropped


def test_regex_words_are_those_of_the_published_models():
    reference = Doc(nlp.vocab, words=["Olaf", "left", "Oslo."])
    reference.spans["sc"] = [Span(reference, 2, 3, "sentence end"), Span(reference, 0, 1, "person")]
    found, dropped = read(example(reference), words="regex")
    assert found.words == ("Olaf", "left", "Oslo", ".")
    assert text_spans(found) == [("Oslo .", "sentence end"), ("Olaf", "person")]
    assert not dropped


def test_names_of_labels_become_what_the_model_reads(reference):
    labels = LabelSet.create({"person": "somebody", "GPE": "country"})
    found, _ = read(example(reference), labels=labels)
    assert text_spans(found) == [("Ada", "somebody"), ("Ada met", "nonsense")]


def test_a_passage_that_says_nothing_was_annotated_for_the_labels(reference):
    labels = LabelSet.create({"person": "somebody", "GPE": "country"})
    assert read(example(reference), labels=labels)[0].label_set == ("somebody", "country")
    assert read(example(reference))[0].label_set == ()


def test_what_a_passage_says_of_its_types_is_kept_by_the_names_the_model_reads():
    labels = LabelSet.create({"PER": "person", "GPE": "country", "X": "extra"})
    closed = to_doc(passage("Ada ran", ("Ada", "PER"), label_set=("PER", "GPE")), nlp.vocab)
    found, _ = read(example(closed), labels=labels)
    assert found.label_set == ("person", "country")
    assert text_spans(found) == [("Ada", "person")]
    opened = to_doc(passage("Ada ran", ("Ada", "PER"), absent=("GPE", "river")), nlp.vocab)
    found, _ = read(example(opened), labels=labels)
    assert (found.label_set, found.absent) == ((), ("country", "river"))


def test_an_empty_document_is_an_empty_passage():
    found, _ = read(example(Doc(nlp.vocab)))
    assert (found.words, found.spans) == ((), ())
