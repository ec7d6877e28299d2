"""What the component finds, with a model that knows the sentences in `tiny` by heart."""

import warnings

import pytest
from spacy.tokens import Doc, Span

from ..tiny import LABELS, SENTENCES, marked

# In flat mode a university and the city in its name exclude each other.
FLAT = [text for text in SENTENCES if "University" not in text]
SENTENCE = FLAT[0]


def gold(text: str, labels=LABELS) -> set[tuple]:
    return {span for span in marked(text).spans if span[2] in labels}


def found(spans) -> set[tuple]:
    return {(span.start, span.end, span.label_) for span in spans}


def texts(spans) -> dict[str, str]:
    return {span.text: span.label_ for span in spans}


@pytest.fixture(scope="module")
def flat(make_learned):
    return make_learned()


@pytest.fixture(scope="module")
def nested(make_learned):
    return make_learned(mode="nested", spans_key="found")


def test_training_lowers_the_loss(learning):
    _, losses = learning
    assert sum(losses[-20:]) < sum(losses[:20]) / 20


@pytest.mark.parametrize("text", FLAT)
def test_entities_are_found_with_their_scores(flat, text):
    doc = flat(text)
    assert found(doc.ents) == gold(text)
    assert not doc.spans
    for ent in doc.ents:
        assert 0.5 < ent._.score <= 1
        assert ent._.gliner_scores == {ent.label_: ent._.score}
    assert [ent._.score for ent in flat(text).ents] == [ent._.score for ent in doc.ents]


def test_what_is_no_entity_has_no_score(flat):
    doc = flat(SENTENCE)
    scores = [Span(doc, 0, end, label)._.score for end in (2, 1) for label in ("person", "city")]
    assert scores == [doc.ents[0]._.score, None, None, None]


@pytest.mark.parametrize("text", SENTENCES)
def test_nested_spans_go_to_a_group_with_their_scores(nested, text):
    doc = nested(text)
    group = doc.spans["found"]
    assert found(group) == gold(text)
    assert len(group) == len(gold(text))
    assert list(group.attrs["scores"]) == pytest.approx([span._.score for span in group])
    assert not doc.ents


def test_flat_entities_do_not_overlap(flat):
    for text in SENTENCES:
        assert found(flat(text).ents) <= gold(text)


def test_one_span_may_bear_several_labels(make_learned):
    """To the tiny model, letter case says nothing: the two labels are the same type."""
    labels = {"PER": "person", "HUMAN": "Person"}
    doc = make_learned(labels=labels, mode="multi_label")(SENTENCE)
    assert found(doc.spans["sc"]) == {(0, 2, "PER"), (0, 2, "HUMAN")}
    best = max(span._.score for span in doc.spans["sc"])
    doc = make_learned(labels=labels, mode="nested")(SENTENCE)
    assert [(s.start, s.end, s._.score) for s in doc.spans["sc"]] == [(0, 2, best)]


def test_labels_have_their_own_thresholds(make_learned):
    nlp = make_learned()
    best = {ent.label_: ent._.score for ent in nlp(SENTENCE).ents}
    component = nlp.get_pipe("gliner")
    component.threshold = {"person": (1 + best["person"]) / 2}
    assert texts(nlp(SENTENCE).ents) == {"Oslo": "city"}
    component.threshold = {"city": (1 + best["city"]) / 2}
    assert texts(nlp(SENTENCE).ents) == {"Berta Lund": "person"}
    component.threshold = 0.5
    assert len(nlp(SENTENCE).ents) == 2


def test_labels_can_have_other_names_than_the_model_reads(make_learned):
    nlp = make_learned(labels={"GPE": "city", "PERSON": "person"})
    assert texts(nlp(SENTENCE).ents) == {"Berta Lund": "PERSON", "Oslo": "GPE"}
    assert nlp.get_pipe("gliner").labels == ("GPE", "PERSON")
    assert nlp.get_pipe("gliner").label_data == {"GPE": "city", "PERSON": "person"}


def test_labels_can_be_changed_at_any_time(make_learned):
    nlp = make_learned(labels=["city"])
    component = nlp.get_pipe("gliner")
    assert texts(nlp(SENTENCE).ents) == {"Oslo": "city"}
    assert component.add_label("PERSON", "person") == 1
    assert component.add_label("PERSON") == component.add_label("city") == 0
    assert texts(nlp(SENTENCE).ents) == {"Berta Lund": "PERSON", "Oslo": "city"}
    component.labels = {"WHO": "person", "university": "university"}
    assert texts(nlp(SENTENCE).ents) == {"Berta Lund": "WHO"}
    assert component.add_label("WHO", "city") == 1
    assert texts(nlp(SENTENCE).ents) == {"Oslo": "WHO"}


def test_documents_can_have_their_own_labels(make_learned):
    nlp = make_learned(labels=["city", "person"], threshold={"person": 0.6})
    docs = [nlp.make_doc(SENTENCE) for _ in range(4)]
    docs[1]._.gliner_labels = ["city", "university"]
    docs[2]._.gliner_labels = {"WHO": "person", "WHERE": "university"}
    docs[3]._.gliner_labels = []
    with pytest.warns(UserWarning, match=r"\[G041\]"):
        docs = list(nlp.pipe(docs))
    assert [texts(doc.ents) for doc in docs] == [
        {"Berta Lund": "person", "Oslo": "city"},
        {"Oslo": "city"},
        {"Berta Lund": "WHO"},
        {},
    ]


def test_wrong_labels_of_a_document_are_named(flat):
    doc = flat.make_doc(SENTENCE)
    doc._.gliner_labels = "person"
    with pytest.raises(ValueError, match=r"\[G002\].*doc\._\.gliner_labels"):
        flat(doc)


@pytest.mark.parametrize(
    "existing, expected",
    [
        ("keep", {"Lund moved": "other", "Oslo": "city", "in": "short"}),
        ("replace", {"Berta Lund": "person", "Oslo": "city", "in": "short"}),
    ],
)
def test_entities_set_earlier(make_learned, existing, expected):
    nlp = make_learned(existing_ents=existing)
    ruler = nlp.add_pipe("entity_ruler", before="gliner")
    ruler.add_patterns(
        [{"label": "other", "pattern": "Lund moved"}, {"label": "short", "pattern": "in"}]
    )
    assert texts(nlp(SENTENCE).ents) == expected


def test_two_components_in_one_pipeline(make_learned, learned_folder):
    nlp = make_learned(labels=["city"])
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(learned_folder)}
    nlp.add_pipe("gliner", name="people", config={"labels": ["person"], "model": model})
    assert texts(nlp(SENTENCE).ents) == {"Berta Lund": "person", "Oslo": "city"}


def test_regex_words_are_mapped_to_the_tokens_that_hold_them(make_learned):
    nlp = make_learned(words="regex")
    doc = nlp(Doc(nlp.vocab, words=["Berta Lund", "moved", "to", "Oslo", "in", "May", "."]))
    assert found(doc.ents) == {(0, 1, "person"), (3, 4, "city")}
    assert found(nlp(SENTENCE).ents) == gold(SENTENCE)


def test_white_space_between_words_changes_nothing(flat):
    doc = flat("\n\n Berta   Lund moved \t to Oslo\nin May . ")
    assert {ent.text: ent.label_ for ent in doc.ents} == {"Berta   Lund": "person", "Oslo": "city"}


def test_without_labels_nothing_is_found_and_it_is_told_once(make_learned):
    nlp = make_learned(labels=[])
    with pytest.warns(UserWarning, match=r"\[G041\].*'gliner'") as told:
        assert not nlp(SENTENCE).ents
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not any(doc.ents for doc in nlp.pipe(SENTENCES))
