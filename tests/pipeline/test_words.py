import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spacy.lang.xx import MultiLanguage
from spacy.tokens import Doc
from spacy.vocab import create_vocab

from spacy_gliner.pipeline.words import WORD_PATTERN, doc_words, token_spans

VOCAB = create_vocab("xx", MultiLanguage.Defaults)

TOKENS = [
    "don",
    "n't",
    "B-52",
    "-",
    "e_mail",
    "¿",
    "\n",
    "  ",
    "\t\u00a0",
    "\u200b",
    "👩‍🚀",
    "👍🏽",
    "مرحبا",
    "東京都",
    "é",
]


def make_doc(*words: str, spaces: list[bool] | None = None) -> Doc:
    return Doc(VOCAB, words=list(words), spaces=spaces)


@st.composite
def docs(draw: st.DrawFn) -> Doc:
    words = draw(st.lists(st.sampled_from(TOKENS), max_size=12))
    spaces = [draw(st.booleans()) for _ in words]
    return make_doc(*words, spaces=spaces)


def test_word_pattern_keeps_inner_hyphens_and_underscores():
    text = "A well-known snake_case: 3.5% -x y-"
    expected = ["A", "well-known", "snake_case", ":", "3", ".", "5", "%", "-", "x", "y", "-"]
    assert WORD_PATTERN.findall(text) == expected


@given(docs(), st.sampled_from(["spacy", "regex"]))
def test_words_are_the_text_at_their_offsets(doc, mode):
    words = doc_words(doc, mode)
    assert words.texts == [doc.text[s:e] for s, e in zip(words.starts, words.ends, strict=True)]
    assert np.all(words.ends > words.starts)
    assert np.all(words.starts[1:] >= words.ends[:-1])
    assert len(words) == len(words.texts)


@given(docs(), st.sampled_from(["spacy", "regex"]))
def test_every_visible_character_is_in_a_word(doc, mode):
    visible = re.sub(r"\s", "", doc.text)
    assert re.sub(r"\s", "", "".join(doc_words(doc, mode).texts)) == visible


@given(docs())
def test_spacy_words_are_the_tokens_that_show(doc):
    words = doc_words(doc, "spacy")
    shown = [token.i for token in doc if not token.is_space]
    assert words.texts == [doc[i].text for i in shown]
    each = np.arange(len(words))
    first, last = token_spans(doc, words, each, each + 1)
    assert first.tolist() == shown
    assert last.tolist() == [i + 1 for i in shown]


@given(docs(), st.data(), st.sampled_from(["spacy", "regex"]))
def test_token_spans_are_the_smallest_that_cover(doc, data, mode):
    words = doc_words(doc, mode)
    if not len(words):
        return
    start = data.draw(st.integers(0, len(words) - 1))
    end = data.draw(st.integers(start + 1, len(words)))
    first, last = token_spans(doc, words, np.array([start]), np.array([end]))
    lo, hi = words.starts[start], words.ends[end - 1]
    touched = [token.i for token in doc if token.idx < hi and token.idx + len(token) > lo]
    assert (first.item(), last.item()) == (touched[0], touched[-1] + 1)


@pytest.mark.parametrize(
    "word,tokens",
    [
        ("don", (1, 3)),
        ("'", (2, 3)),
        ("t", (2, 3)),
        ("東京都庁", (3, 5)),
        ("\u200b", (5, 6)),
        ("💚", (6, 7)),
    ],
)
def test_regex_words_grow_to_whole_tokens(word, tokens):
    doc = make_doc(
        "We", "do", "n't", "東京", "都庁", "\u200b", "💚", spaces=[True, False, True] + [False] * 4
    )
    words = doc_words(doc, "regex")
    at = np.array([words.texts.index(word)])
    first, last = token_spans(doc, words, at, at + 1)
    assert (first.item(), last.item()) == tokens


def test_spans_over_a_token_of_white_space_include_it():
    doc = make_doc("New", "\n", "York", "\n", spaces=[False] * 4)
    words = doc_words(doc, "spacy")
    assert words.texts == ["New", "York"]
    first, last = token_spans(doc, words, np.array([0, 1]), np.array([2, 2]))
    assert (first.tolist(), last.tolist()) == ([0, 2], [3, 3])


@pytest.mark.parametrize("mode", ["spacy", "regex"])
@pytest.mark.parametrize("tokens", [[], [" "], ["\n", "\u3000", "\t"]])
def test_docs_without_words(tokens, mode):
    doc = make_doc(*tokens)
    words = doc_words(doc, mode)
    none = np.zeros(0, dtype=np.int32)
    assert len(words) == 0
    assert [len(array) for array in token_spans(doc, words, none, none)] == [0, 0]


@pytest.mark.parametrize("mode", ["spacy", "regex"])
def test_twelve_thousand_words_map_back_one_to_one(mode):
    doc = make_doc(*(["Zürich", "liegt", "\n", "am", "See"] * 3000))
    words = doc_words(doc, mode)
    assert len(words) == 12_000
    starts = np.arange(12_000)
    first, last = token_spans(doc, words, starts, starts + 1)
    assert np.all(last - first == 1)
    assert [doc[i].text for i in first.tolist()] == words.texts


def test_unknown_mode_names_setting_and_choices():
    with pytest.raises(ValueError, match=r"\[G001\].*'words' is 'char'.*spacy, regex"):
        doc_words(make_doc("a"), "char")
