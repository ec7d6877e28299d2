from itertools import pairwise
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.corpus.passage import Passage
from spacy_gliner.training.rows import Row, pack, slices

TYPES = st.sampled_from(["a", "b"])


@st.composite
def passages(draw, max_words: int = 40) -> Passage:
    n_words = draw(st.integers(1, max_words))
    starts = draw(st.lists(st.integers(0, n_words - 1), max_size=6))
    spans = [(s, min(s + draw(st.integers(1, 6)), n_words), draw(TYPES)) for s in starts]
    label_set = draw(st.sampled_from([(), ("a",), ("a", "b")]))
    words = tuple(f"w{i}" for i in range(n_words))
    return Passage(words, (True,) * n_words, tuple(spans), label_set=label_set)


def words_of(parts) -> list[str]:
    return [word for part in parts for word in part.words]


@given(passages(), st.integers(1, 15))
def test_slices_have_every_word_once_and_are_short_enough(passage, max_words):
    parts = list(slices(passage, max_words))
    assert words_of(parts) == list(passage.words)
    assert all(1 <= len(part.words) == len(part.spaces) <= max_words for part in parts)
    assert all(part.label_set == passage.label_set for part in parts)


@given(passages(), st.integers(1, 15))
def test_a_span_is_whole_or_lost_and_stays_on_its_words(passage, max_words):
    found = [
        (part.words[start:end], type_)
        for part in slices(passage, max_words)
        for start, end, type_ in part.spans
    ]
    expected = [(passage.words[start:end], type_) for start, end, type_ in passage.spans]
    assert all(span in expected for span in found)
    assert len(found) <= len(expected)


@st.composite
def spaced_passages(draw) -> tuple[Passage, int]:
    """A passage whose spans lie apart, and a length that holds each of them."""
    gaps = draw(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 6)), min_size=1, max_size=9))
    spans, position = [], 0
    for gap, length in gaps:
        spans.append((position + gap, position + gap + length, "a"))
        position += gap + length
    words = tuple(f"w{i}" for i in range(position + 1))
    return Passage(words, (True,) * len(words), tuple(spans)), draw(st.integers(8, 20))


@given(spaced_passages())
def test_no_span_is_lost_that_fits_in_a_slice(case):
    passage, max_words = case
    kept = sum(len(part.spans) for part in slices(passage, max_words))
    assert kept == len(passage.spans)


def test_a_span_longer_than_a_slice_takes_no_other_with_it():
    spans = ((0, 9, "whole"), (0, 2, "a"), (5, 6, "b"))
    passage = Passage(tuple(map(str, range(9))), (True,) * 9, spans)
    found = list(slices(passage, 4))
    assert [len(part.words) for part in found] == [3, 3, 3]
    assert [part.spans for part in found] == [((0, 2, "a"),), ((2, 3, "b"),), ()]


def test_a_short_passage_is_not_copied():
    passage = Passage(("one", "two"), (True, True), ())
    assert list(slices(passage, 2)) == [passage]


def test_slices_are_of_about_one_length():
    passage = Passage(tuple(map(str, range(10))), (True,) * 10, ())
    assert [len(part.words) for part in slices(passage, 4)] == [4, 4, 2]
    assert [len(part.words) for part in slices(passage, 9)] == [5, 5]


PASSAGES = st.lists(passages(max_words=12), max_size=12)


@given(PASSAGES, st.integers(12, 40), st.integers(0, 9))
def test_rows_have_every_passage_once(given_passages, max_words, seed):
    rows = pack(given_passages, max_words=max_words, rng=Random(seed))
    packed = [passage for row in rows for passage in row.passages]
    assert sorted(map(id, packed)) == sorted(map(id, given_passages))
    assert all(row.passages and len(row.words) <= max_words for row in rows)


@given(PASSAGES, st.integers(0, 9))
def test_only_passages_of_one_label_set_share_a_row(given_passages, seed):
    for row in pack(given_passages, max_words=30, rng=Random(seed)):
        assert len({passage.label_set for passage in row.passages}) == 1


def test_short_passages_share_rows_and_some_stay_alone():
    given_passages = [Passage(("one",), (True,), ()) for _ in range(40)]
    sizes = [
        len(row.passages)
        for seed in range(30)
        for row in pack(given_passages, max_words=10, rng=Random(seed))
    ]
    assert {1, 10} <= set(sizes) <= set(range(1, 11))


def test_a_row_knows_where_its_passages_begin():
    row = Row(tuple(Passage(("w",) * n, (True,) * n, ()) for n in (3, 1, 2)))
    assert row.starts == [0, 3, 4]
    assert len(row.words) == 6
    assert all(left < right for left, right in pairwise(row.starts))
