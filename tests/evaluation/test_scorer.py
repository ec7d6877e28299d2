import pytest
from spacy import registry
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.vocab import Vocab

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.evaluation.scorer import gliner_score, make_gliner_scorer

VOCAB = Vocab()


def predicted(text: str, *spans: tuple[int, int, str], key: str | None = None) -> Doc:
    doc = Doc(VOCAB, words=text.split())
    found = [Span(doc, start, end, label=label) for start, end, label in spans]
    if key is None:
        doc.ents = found
    else:
        doc.spans[key] = found
    return doc


def test_flat_predictions_against_the_span_group(make_passage):
    gold = make_passage(
        "Ada left Paris", (0, 1, "Person"), (2, 3, "city"), label_set=("Person", "city")
    )
    found = predicted("Ada left Paris", (0, 1, "person"), (1, 2, "city"), (2, 3, "person"))
    scores = gliner_score([Example(found, to_doc(gold, VOCAB))])
    assert scores["ents_p"] == pytest.approx(1 / 3)
    assert scores["ents_r"] == pytest.approx(1 / 2)
    assert scores["ents_f"] == pytest.approx(2 / 5)
    assert scores["ents_per_type"]["person"] == pytest.approx({"p": 0.5, "r": 1.0, "f": 2 / 3})
    assert scores["ents_per_type"]["city"] == pytest.approx({"p": 0.0, "r": 0.0, "f": 0.0})


def test_gold_entities_stand_in_for_a_missing_group():
    reference = predicted("Ada left Paris", (0, 1, "person"))
    scores = gliner_score([Example(predicted("Ada left Paris", (0, 1, "person")), reference)])
    assert scores["ents_f"] == 1.0


def test_gold_of_types_that_are_not_asked_is_left_out(make_passage):
    gold = make_passage("Ada left Paris", (0, 1, "person"), (2, 3, "city"), label_set=("person",))
    found = predicted("Ada left Paris", (0, 1, "person"))
    assert gliner_score([Example(found, to_doc(gold, VOCAB))])["ents_f"] == 1.0


def test_the_mode_decides_where_predictions_are_read(make_passage):
    gold = make_passage("Ada left Paris", (0, 1, "person"), (0, 1, "writer"), absent=("city",))
    found = predicted("Ada left Paris", (0, 1, "person"), (0, 1, "writer"), key="found")
    examples = [Example(found, to_doc(gold, VOCAB))]
    scorer = make_gliner_scorer(spans_key="found")
    assert scorer(examples, mode="nested")["ents_f"] == 1.0
    assert scorer(examples, mode="multi_label", spans_key="other")["ents_f"] == 0.0
    assert scorer(examples, mode="flat")["ents_f"] == 0.0


def test_gold_in_the_predicted_doc_is_not_taken_for_a_prediction(make_passage):
    doc = to_doc(make_passage("Ada left", (0, 1, "person"), label_set=("person",)), VOCAB)
    assert gliner_score([Example(doc.copy(), doc)])["ents_r"] == 0.0


def test_a_prediction_across_the_tokens_of_the_reference_is_wrong(make_passage):
    gold = to_doc(make_passage("Upper Rhine", (0, 2, "river"), label_set=("river",)), VOCAB)
    found = Doc(VOCAB, words=["Up", "per", "Rhine"], spaces=[False, True, False])
    found.ents = [Span(found, 0, 1, label="river"), Span(found, 2, 3, label="river")]
    scores = gliner_score([Example(found, gold)])
    assert scores["ents_p"] == 0.0
    found.ents = [Span(found, 0, 1, label="person"), Span(found, 1, 3, label="river")]
    types = gliner_score([Example(found, gold)])["ents_per_type"]
    assert types.keys() == {"person", "river"}
    found.ents = [Span(found, 0, 3, label="river")]
    assert gliner_score([Example(found, gold)])["ents_f"] == 1.0


def test_nothing_to_score_is_none():
    doc = predicted("Ada left")
    assert set(gliner_score([Example(doc, doc)]).values()) == {None}


def test_the_scorer_is_registered():
    assert registry.scorers.get("spacy_gliner.scorer.v1") is make_gliner_scorer
