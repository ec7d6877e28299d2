"""What the component makes of documents, labels and settings."""

import json
import math
import warnings

import pytest
import spacy
import srsly
from spacy.tokens import Doc, Span

from spacy_gliner.architectures import build_gner
from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.gner.annotate import piece_counts
from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.pipeline.gner import GNER
from spacy_gliner.training.readers import to_example

from ..tiny import LABELS, SENTENCES, marked

SENTENCE = SENTENCES[0]
# Random weights find little by themselves.
EAGER = -3.0


def texts(doc: Doc) -> dict[str, str]:
    return {ent.text: ent.label_ for ent in doc.ents}


def scored(doc: Doc) -> list[tuple]:
    return [(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents]


@pytest.mark.parametrize("kind", ["T5", "LLaMA"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_forced_decoding_gives_entities_with_probabilities(make_gner, kind, precision):
    nlp = make_gner(kind, outside_bias=EAGER, precision=precision)
    doc = nlp(SENTENCE)
    assert doc.ents and not doc.spans
    assert all(0 < ent._.score <= 1 and ent.label_ in LABELS for ent in doc.ents)
    assert scored(nlp(SENTENCE)) == scored(doc)


@pytest.mark.parametrize("kind", ["T5", "LLaMA"])
def test_documents_together_give_what_each_gives_alone(make_gner, kind):
    nlp = make_gner(kind, outside_bias=EAGER, max_batch_pieces=800)
    some = SENTENCES[:3]
    alone, together = map(nlp, some), nlp.pipe(some)
    for one, other in zip(map(scored, alone), map(scored, together), strict=True):
        assert [ent[:3] for ent in one] == [ent[:3] for ent in other]
        assert [e[3] for e in one] == pytest.approx([e[3] for e in other], abs=1e-4)


@pytest.mark.parametrize("kind", ["T5", "LLaMA"])
def test_a_beam_and_free_decoding_run(make_gner, kind):
    component = (nlp := make_gner(kind, outside_bias=EAGER, beam=3)).get_pipe("gner")
    assert nlp(SENTENCE).ents
    component.outside_bias, component.decoding = 0.0, "free"
    assert nlp(SENTENCE).text == SENTENCE


def test_the_model_is_given_words_and_labels_in_their_order(make_gner, reader):
    nlp = make_gner(labels={"WHERE": "city", "WHO": "person"}, beam=2, draft=8, window=300)
    doc = nlp(SENTENCE)
    ((sentence,), decoding) = reader.calls[0]
    assert sentence.words == tuple(SENTENCE.split())
    assert sentence.labels == ("city", "person")
    assert (decoding.decoding, decoding.beam, decoding.outside_bias) == ("forced", 2, 0.0)
    assert texts(doc) == {"Berta Lund": "WHO", "Oslo": "WHERE"}
    assert doc.ents[0]._.score == pytest.approx(0.75)
    assert doc.ents[0]._.gliner_scores == {"WHO": pytest.approx(0.75)}


def test_a_draft_is_for_one_hypothesis(make_gner, reader):
    nlp = make_gner(draft=8)
    nlp(SENTENCE)
    nlp.get_pipe("gner").beam = 2
    nlp(SENTENCE)
    assert [decoding.draft for _, decoding in reader.calls] == [8, 0]


@pytest.mark.parametrize("words", ["spacy", "regex"])
def test_entities_are_whole_tokens(make_gner, reader, words):
    nlp = make_gner(words=words)
    doc = Doc(nlp.vocab, words=["for", "Berta Lund", "'s", "Oslo!"])
    doc = nlp(doc)
    assert texts(doc) == ({"Berta Lund": "person", "Oslo!": "city"} if words == "regex" else {})


def test_white_space_is_no_word(make_gner, reader):
    doc = make_gner()("In  Oslo\n\nthe rain")
    assert reader.calls[0][0][0].words == ("In", "Oslo", "the", "rain")
    assert texts(doc) == {"Oslo": "city"}


def test_where_there_is_nothing_to_ask_the_model_is_not(make_gner, reader):
    nlp = make_gner()
    docs = [nlp.make_doc(text) for text in ("", " \n\t ", SENTENCE)]
    docs[2]._.gner_labels = []
    with pytest.warns(UserWarning, match=r"\[G041\].*'gner'.*doc\._\.gner_labels"):
        docs = list(nlp.pipe(docs))
    assert not reader.calls
    assert [doc.ents for doc in docs] == [(), (), ()]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # told once
        nlp.get_pipe("gner").labels = []
        nlp(SENTENCE)


def test_documents_can_have_their_own_labels(make_gner, reader):
    nlp = make_gner(labels=["city"])
    docs = [nlp.make_doc(SENTENCE) for _ in range(3)]
    docs[1]._.gner_labels = ["person", "city"]
    docs[2]._.gner_labels = {"WHO": "person"}
    assert [texts(doc) for doc in nlp.pipe(docs)] == [
        {"Oslo": "city"},
        {"Berta Lund": "person", "Oslo": "city"},
        {"Berta Lund": "WHO"},
    ]
    assert len(reader.calls) == 1


def test_the_two_components_have_labels_of_their_own(make_gner, make_random, reader):
    make_random()
    nlp = make_gner(labels=["city"])
    doc = nlp.make_doc(SENTENCE)
    doc._.gliner_labels = ["person"]
    assert texts(nlp(doc)) == {"Oslo": "city"}


def test_labels_can_be_added(make_gner, reader):
    nlp = make_gner(labels=["city"])
    component = nlp.get_pipe("gner")
    assert component.add_label("PERSON", "person") == 1
    assert component.add_label("PERSON") == 0
    assert component.labels == ("city", "PERSON")
    assert texts(nlp(SENTENCE)) == {"Berta Lund": "PERSON", "Oslo": "city"}


@pytest.mark.parametrize("existing, label", [("keep", "OLD"), ("replace", "person")])
def test_entities_that_are_there_already(make_gner, reader, existing, label):
    nlp = make_gner(existing_ents=existing)
    doc = nlp.make_doc(SENTENCE)
    doc.ents = [Span(doc, 0, 2, "OLD")]
    assert texts(nlp(doc)) == {"Berta Lund": label, "Oslo": "city"}


def test_spans_without_a_score_break_nothing(make_gner, reader):
    nlp = make_gner(decoding="free", existing_ents="replace")
    doc = nlp(SENTENCE)
    assert texts(doc) == {"Berta Lund": "person", "Oslo": "city"}
    assert [ent._.score for ent in doc.ents] == [None, None]
    stored = srsly.json_dumps([[list(key), value] for key, value in doc.user_data.items()])
    assert json.loads(stored, parse_constant=pytest.fail)
    again = Doc(nlp.vocab).from_bytes(doc.to_bytes())
    assert [ent._.score for ent in again.ents] == [None, None]
    scores = nlp.evaluate([to_example(to_doc(marked(SENTENCE), nlp.vocab))])
    assert scores["ents_f"] == 1.0
    # With a score the same span has it, and without one again it has none.
    nlp.get_pipe("gner").decoding = "forced"
    assert nlp(doc).ents[0]._.score == pytest.approx(0.75)
    nlp.get_pipe("gner").decoding = "free"
    assert nlp(doc).ents[0]._.score is None


# Long documents

LONG = " ".join(SENTENCES * 8)


def test_long_documents_are_read_in_windows(make_gner, reader):
    nlp = make_gner(window=120, overlap=6, labels=["person", "city"])
    doc = nlp(LONG)
    ((sentences, _),) = reader.calls
    assert len(sentences) > 5
    assert texts(doc).keys() == {"Berta Lund", "Tomas Vik", "Oslo", "Bergen"}
    # Each sentence mentions what it mentions, wherever the windows end.
    assert len(doc.ents) == 8 * sum(len(nlp(text).ents) for text in SENTENCES)


def test_windows_are_as_long_as_they_may_be(make_gner, reader, gner_folders):
    checkpoint = GNERCheckpoint.from_disk(gner_folders["T5"])
    nlp = make_gner(window=120, overlap=6)
    nlp(LONG)
    sizes = [piece_counts(checkpoint, s.words).sum() for s in reader.calls[0][0]]
    assert max(sizes) <= 120
    assert min(sizes) > 100


def test_by_default_a_document_of_105_words_is_not_cut_off(make_gner, reader):
    nlp = make_gner()
    doc = nlp(LONG)
    assert len(doc) > 400
    assert doc.ents[-1].start > 400


@pytest.mark.parametrize("kind", ["T5", "LLaMA"])
def test_a_word_longer_than_the_window_is_read(make_gner, kind):
    nlp = make_gner(kind, window=8, overlap=1, outside_bias=-50.0)
    doc = nlp("In Oslonorthlongriverpastoldboat the rain")
    assert all(token.ent_type_ for token in doc)


# Settings


@pytest.mark.parametrize(
    "settings, code, names",
    [
        ({"decoding": "guided"}, "G001", "'decoding' is 'guided'"),
        ({"precision": "float16"}, "G001", "'precision' is 'float16'"),
        ({"existing_ents": "drop"}, "G001", "'existing_ents'"),
        ({"words": "pieces"}, "G001", "'words'"),
        ({"labels": "person"}, "G002", "'labels'"),
        ({"labels": ["a", "x(B-a"]}, "G503", "'x(B-a'"),
        ({"beam": 0}, "G530", "'beam' of the component 'gner' is 0"),
        ({"draft": -1}, "G530", "'draft'"),
        ({"window": 0}, "G530", "'window'"),
        ({"overlap": -1}, "G530", "'overlap'"),
        ({"max_batch_pieces": 0}, "G530", "'max_batch_pieces'"),
        ({"decoding": "free", "outside_bias": 0.5}, "G531", "'decoding' to 'forced'"),
        ({"training": {"head_rate": 3.0}}, "G404", "'training.head_rate'"),
        ({"training": {"row_words": 0}}, "G405", "'training.row_words'"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(make_gner, settings, code, names):
    with pytest.raises(ValueError) as error:
        make_gner(**settings)
    assert f"[{code}]" in str(error.value)
    assert names in str(error.value)


@pytest.mark.parametrize(
    "setting, value", [("beam", 1.5), ("decoding", "x"), ("window", 0), ("outside_bias", math.inf)]
)
def test_a_wrong_setting_made_later_is_refused_when_it_is_used(make_gner, setting, value):
    nlp = make_gner()
    setattr(nlp.get_pipe("gner"), setting, value)
    with pytest.raises(ValueError, match=rf"\[G...\].*'{setting}'"):
        nlp(SENTENCE)


def test_labels_set_later_change_nothing_if_they_are_wrong(make_gner):
    component = make_gner(labels=["a"]).get_pipe("gner")
    with pytest.raises(ValueError, match=r"\[G503\]"):
        component.add_label("x(B-a")
    assert component.labels == ("a",)


def test_labels_of_a_document_are_checked(make_gner):
    nlp = make_gner()
    doc = nlp.make_doc(SENTENCE)
    doc._.gner_labels = [""]
    with pytest.raises(ValueError, match=r"\[G005\].*doc\._\.gner_labels"):
        nlp(doc)
    doc._.gner_labels = ["a", "x(B-a"]
    with pytest.raises(ValueError, match=r"\[G503\]"):
        nlp(doc)


def test_no_model_ships_with_the_package():
    nlp = spacy.blank("en")
    nlp.add_pipe("gner", config={"labels": LABELS})
    with pytest.raises(ValueError, match=r"\[G532\].*\[components\.gner\.model\]"):
        nlp(SENTENCE)


def test_a_missing_folder_is_named_with_its_setting(make_gner, tmp_path):
    model = {"@architectures": "spacy_gliner.GNER.v1", "name": str(tmp_path / "none")}
    nlp = make_gner(model=model)
    with pytest.raises(ValueError, match=r"\[G110\].*'name' of \[components\.gner\.model\]"):
        nlp(SENTENCE)


def test_a_model_that_leaves_words_out_cannot_be_forced(gner_folders):
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy_gliner.NewGNER.v1",
        "base": str(gner_folders["T5"]),
        "context": 2,
    }
    nlp.add_pipe("gner", config={"model": model, "labels": LABELS})
    with pytest.raises(ValueError, match=r"\[G517\].*free"):
        nlp(SENTENCE)


def test_all_settings_have_defaults():
    component = GNER(spacy.blank("en").vocab, build_gner())
    assert (component.labels, component.decoding, component.mode) == ((), "forced", "flat")
