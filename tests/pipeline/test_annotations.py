import pickle

import numpy as np
import pytest
import srsly
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.xx import MultiLanguage
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import create_vocab

from spacy_gliner.pipeline.annotations import (
    Prediction,
    register_extensions,
    set_ents,
    set_spans,
)

VOCAB = create_vocab("xx", MultiLanguage.Defaults)
WORDS = ["Ada", "Lovelace", "met", "Mary", "Somerville", "in", "London", "(", "England", ")", "."]


@pytest.fixture(autouse=True)
def extensions():
    register_extensions()
    yield
    for name in ("score", "gliner_scores"):
        if Span.has_extension(name):
            Span.remove_extension(name)


def make_doc(words: list[str] = WORDS, ents: tuple[str, ...] = ()) -> Doc:
    return Doc(VOCAB, words=words, ents=list(ents) or None)


def predict(*spans: tuple[int, int, str, float]) -> Prediction:
    """Scores are to be exact in float32."""
    start, end, labels, scores = zip(*spans, strict=True) if spans else ((), (), (), ())
    bounds = np.array([start, end], dtype=np.int32)
    return Prediction(*bounds, labels, np.array(scores, dtype=np.float32))


PEOPLE = predict((0, 2, "person", 0.75), (3, 5, "person", 0.5), (6, 7, "city", 0.875))


def ents_of(doc: Doc) -> list[tuple[int, int, str]]:
    return [(ent.start, ent.end, ent.label_) for ent in doc.ents]


def iob_of(doc: Doc) -> list[str]:
    return [token.ent_iob_ for token in doc]


@pytest.mark.parametrize("existing", ["keep", "replace"])
def test_a_fresh_doc_gets_all_and_is_annotated(existing):
    doc = make_doc()
    assert set_ents(doc, PEOPLE, existing=existing).tolist() == [True, True, True]
    assert ents_of(doc) == [(0, 2, "person"), (3, 5, "person"), (6, 7, "city")]
    assert [ent._.score for ent in doc.ents] == [0.75, 0.5, 0.875]
    assert iob_of(doc) == ["B", "I", "O", "B", "I", "O", "B", "O", "O", "O", "O"]


def test_finding_nothing_is_an_annotation_too():
    doc = make_doc()
    assert not doc.has_annotation("ENT_IOB")
    set_ents(doc, predict(), existing="keep")
    assert doc.has_annotation("ENT_IOB", require_complete=True)
    assert iob_of(doc) == ["O"] * len(doc)


@pytest.mark.parametrize("words", [[], ["\n"]])
def test_docs_without_words(words):
    doc = make_doc(words)
    assert set_ents(doc, predict(), existing="keep").tolist() == []
    set_spans(doc, predict(), spans_key="sc")
    assert (len(doc.ents), len(doc.spans["sc"])) == (0, 0)


def doc_with_entities() -> Doc:
    doc = make_doc()
    mary = Span(doc, 4, 6, label="old", kb_id="Q1", span_id="rule")
    england = Span(doc, 8, 9, label="old", kb_id="Q21", span_id="rule")
    doc.set_ents([mary, england])
    return doc


def test_keep_leaves_out_what_overlaps_an_entity():
    doc = doc_with_entities()
    assert set_ents(doc, PEOPLE, existing="keep").tolist() == [True, False, True]
    assert ents_of(doc) == [(0, 2, "person"), (4, 6, "old"), (6, 7, "city"), (8, 9, "old")]
    assert [ent._.score for ent in doc.ents] == [0.75, None, 0.875, None]
    assert doc.ents[1].kb_id_ == "Q1"
    assert doc.ents[1].id_ == "rule"


def test_replace_takes_the_place_of_the_whole_entity():
    doc = doc_with_entities()
    assert set_ents(doc, PEOPLE, existing="replace").all()
    assert ents_of(doc) == [(0, 2, "person"), (3, 5, "person"), (6, 7, "city"), (8, 9, "old")]
    assert doc[5].ent_iob_ == "O"
    assert [(ent.kb_id_, ent.id_) for ent in doc.ents] == [("", "")] * 3 + [("Q21", "rule")]
    assert (doc[5].ent_kb_id_, doc[5].ent_id_) == ("", "")


def test_the_same_span_again_is_the_old_one_under_keep():
    doc = make_doc()
    set_ents(doc, predict((6, 7, "city", 0.5)), existing="keep")
    assert set_ents(doc, predict((6, 7, "place", 0.75)), existing="keep").tolist() == [False]
    assert [(ent.label_, ent._.score) for ent in doc.ents] == [("city", 0.5)]
    set_ents(doc, predict((6, 7, "place", 0.75)), existing="replace")
    assert [(ent.label_, ent._.score) for ent in doc.ents] == [("place", 0.75)]


def doc_with_blocked_tokens() -> Doc:
    doc = make_doc()
    doc.set_ents([], blocked=[doc[4:6], doc[8:9]], missing=[doc[0:4]], default="outside")
    return doc


def blocked_in(doc: Doc) -> list[int]:
    return [token.i for token in doc if token.ent_iob_ == "B" and not token.ent_type]


def test_keep_respects_blocked_tokens():
    doc = doc_with_blocked_tokens()
    assert blocked_in(doc) == [4, 5, 8]
    assert set_ents(doc, PEOPLE, existing="keep").tolist() == [True, False, True]
    assert ents_of(doc) == [(0, 2, "person"), (6, 7, "city")]
    assert blocked_in(doc) == [4, 5, 8]
    assert [token.i for token in doc if not token.ent_iob] == []


def test_replace_leaves_other_blocked_tokens_blocked():
    doc = doc_with_blocked_tokens()
    assert set_ents(doc, PEOPLE, existing="replace").all()
    assert ents_of(doc) == [(0, 2, "person"), (3, 5, "person"), (6, 7, "city")]
    assert blocked_in(doc) == [5, 8]


def test_neighbours_of_one_label_stay_two_entities():
    doc = make_doc(ents=("O", "O", "B-city", "I-city") + ("O",) * 7)
    set_ents(doc, predict((0, 2, "city", 0.5), (4, 5, "city", 0.5)), existing="keep")
    assert ents_of(doc) == [(0, 2, "city"), (2, 4, "city"), (4, 5, "city")]


@pytest.mark.parametrize("existing", ["keep", "replace"])
def test_of_spans_that_meet_in_a_token_the_best_is_written(existing):
    # "don" and "t" are words of the regular expression, "do" and "n't" are tokens.
    doc = make_doc(["We", "do", "n't", "know"])
    meeting = predict((1, 3, "verb", 0.5), (2, 3, "no", 0.75), (3, 4, "verb", 0.25))
    assert set_ents(doc, meeting, existing=existing).tolist() == [False, True, True]
    assert [(ent.text, ent._.score) for ent in doc.ents] == [("n't", 0.75), ("know", 0.25)]


TILES = st.lists(st.tuples(st.sampled_from([None, "a", "b"]), st.integers(1, 3)), max_size=8)


def laid_out(tiles: list[tuple[str | None, int]], size: int) -> list[tuple[int, int, str]]:
    """Spans side by side from tiles of (label or gap, width)."""
    spans, at = [], 0
    for label, width in tiles:
        if label and at + width <= size:
            spans.append((at, at + width, label))
        at += width
    return spans


@given(TILES, TILES, st.sampled_from(["keep", "replace"]))
def test_what_is_left_out_overlaps_what_wins(old_tiles, new_tiles, existing):
    doc = make_doc(["w"] * 16)
    old, new = laid_out(old_tiles, 16), laid_out(new_tiles, 16)
    doc.set_ents([Span(doc, *bounds, label=label) for *bounds, label in old])
    written = set_ents(doc, predict(*((*span, 0.5) for span in new)), existing=existing)

    winners, losers = (old, new) if existing == "keep" else (new, old)
    left = [s for s in losers if not any(s[0] < w[1] and w[0] < s[1] for w in winners)]
    assert ents_of(doc) == sorted(winners + left)
    chosen = [span for span, kept in zip(new, written.tolist(), strict=True) if kept]
    assert chosen == (left if existing == "keep" else new)


def test_unknown_value_of_existing():
    with pytest.raises(ValueError, match=r"\[G001\].*'existing_ents' is 'both'.*keep, replace"):
        set_ents(make_doc(), PEOPLE, existing="both")


NESTED = predict(
    (0, 5, "meeting", 0.5), (0, 2, "person", 0.75), (0, 2, "author", 0.25), (6, 7, "city", 0.875)
)


def scored(doc: Doc, key: str = "sc") -> list[tuple[int, int, str, float]]:
    return [(span.start, span.end, span.label_, span._.score) for span in doc.spans[key]]


def test_nested_spans_go_to_a_group_with_scores():
    doc = make_doc()
    doc.spans["sc"] = [doc[9:10]]
    set_spans(doc, NESTED, spans_key="sc")
    group = doc.spans["sc"]
    assert [tuple(s)[2] for s in scored(doc)] == list(NESTED.labels)
    assert [s[3] for s in scored(doc)] == [0.5, 0.75, 0.25, 0.875]
    assert (group.name, group.attrs["scores"].tolist()) == ("sc", [0.5, 0.75, 0.25, 0.875])
    assert not doc.has_annotation("ENT_IOB")


def test_two_groups_do_not_disturb_each_other():
    doc = make_doc()
    set_spans(doc, NESTED, spans_key="a")
    set_spans(doc, predict((0, 2, "dish", 0.125)), spans_key="b")
    assert [s[3] for s in scored(doc, "a")] == [0.5, 0.75, 0.25, 0.875]
    assert scored(doc, "b") == [(0, 2, "dish", 0.125)]


def test_only_predicted_spans_have_a_score():
    doc = make_doc()
    set_ents(doc, PEOPLE, existing="keep")
    assert doc[0:2]._.score is None
    assert Span(doc, 0, 2, label="city")._.score is None
    assert Span(doc, 0, 1, label="person")._.score is None
    assert Span(doc, 0, 2, label="person")._.score == 0.75
    assert doc[0:2]._.gliner_scores == {"person": 0.75}
    assert doc[2:3]._.gliner_scores is None


def through_bytes(doc: Doc) -> Doc:
    return Doc(doc.vocab).from_bytes(doc.to_bytes())


def through_docbin(doc: Doc) -> Doc:
    data = DocBin(docs=[doc], store_user_data=True).to_bytes()
    return next(iter(DocBin().from_bytes(data).get_docs(doc.vocab)))


def through_pickle(doc: Doc) -> Doc:
    return pickle.loads(pickle.dumps(doc))


@pytest.mark.parametrize("travel", [through_bytes, through_docbin, through_pickle, Doc.copy])
def test_scores_survive_the_journey(travel):
    doc = make_doc()
    set_spans(doc, NESTED, spans_key="sc")
    set_ents(doc, PEOPLE, existing="keep")
    back = travel(doc)
    assert scored(back) == scored(doc)
    assert back.spans["sc"].attrs["scores"].tolist() == [0.5, 0.75, 0.25, 0.875]
    assert [ent._.score for ent in back.ents] == [0.75, 0.5, 0.875]


def test_scores_move_with_the_text():
    doc = make_doc()
    set_ents(doc, PEOPLE, existing="keep")
    joined = Doc.from_docs([doc, doc])
    assert [ent._.score for ent in joined.ents] == [0.75, 0.5, 0.875] * 2
    part = doc[3:8].as_doc(copy_user_data=True)
    assert [(ent.text, ent._.score) for ent in part.ents] == [
        ("Mary Somerville", 0.5),
        ("London", 0.875),
    ]


def test_scores_can_be_written_to_json():
    doc = make_doc()
    set_ents(doc, PEOPLE, existing="keep")
    values = doc.to_json(underscore=["gliner_scores"])["underscore_span"]["gliner_scores"]
    assert srsly.json_loads(srsly.json_dumps(values))[0] == {
        "start": 0,
        "end": 12,
        "value": {"person": 0.75},
    }


def test_registering_again_is_harmless():
    register_extensions()
    doc = make_doc()
    set_ents(doc, PEOPLE, existing="keep")
    assert doc.ents[0]._.score == 0.75


def test_another_score_extension_stays():
    Span.set_extension("score", default=7, force=True)
    with pytest.warns(UserWarning, match=r"\[G040\].*gliner_scores"):
        register_extensions()
    doc = make_doc()
    set_ents(doc, PEOPLE, existing="keep")
    assert doc.ents[0]._.score == 7
    assert doc.ents[0]._.gliner_scores == {"person": 0.75}


@pytest.mark.parametrize(
    "words,bounds",
    [
        (["\u200b", "Ada", "\u200b"], (0, 2)),
        (["👩‍🚀", "👍🏽", "!"], (0, 1)),
        (["زارت", "ليلى", "القاهرة"], (1, 3)),
        (["東京", "都", "に", "行く"], (0, 2)),
        ([" ", "New", "\n", "York", "\t"], (1, 4)),
    ],
)
def test_any_script(words, bounds):
    doc = make_doc(words)
    set_ents(doc, predict((*bounds, "実体", 0.5)), existing="keep")
    set_spans(doc, predict((*bounds, "実体", 0.5)), spans_key="sc")
    for back in (through_bytes(doc), through_docbin(doc)):
        assert ents_of(back) == [(*bounds, "実体")]
        assert scored(back) == [(*bounds, "実体", 0.5)]
        assert back.ents[0].text == doc[bounds[0] : bounds[1]].text


def test_twelve_thousand_words():
    doc = make_doc(["w"] * 12_000)
    starts = np.arange(0, 12_000, 3, dtype=np.int32)
    scores = np.linspace(0.1, 0.9, len(starts), dtype=np.float32)
    prediction = Prediction(starts, starts + 2, ["thing"] * len(starts), scores)
    assert set_ents(doc, prediction, existing="keep").all()
    assert [ent.start for ent in doc.ents] == starts.tolist()
    assert [ent._.score for ent in doc.ents] == scores.tolist()
