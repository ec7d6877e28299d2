from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.pipeline.windows import Window, label_passes, windows

COUNTS = st.lists(st.integers(1, 12), max_size=60)


def cut(counts: list[int], window: int, overlap: int) -> list[Window]:
    return windows(np.array(counts, dtype=np.int64), window=window, overlap=overlap)


@given(COUNTS, st.integers(1, 25), st.integers(1, 8))
def test_every_span_that_fits_lies_in_a_window(counts, window, overlap):
    found = cut(counts, window, overlap)
    for start in range(len(counts)):
        for end in range(start + 1, min(start + overlap, len(counts)) + 1):
            if sum(counts[start:end]) <= window:
                assert any(w.first_word <= start and end <= w.last_word for w in found)


@given(COUNTS, st.integers(1, 25), st.integers(1, 8))
def test_windows_fit_or_hold_one_long_word(counts, window, overlap):
    for w in cut(counts, window, overlap):
        pieces = sum(counts[w.first_word : w.last_word])
        assert pieces <= window or w.last_word - w.first_word == 1


@given(COUNTS, st.integers(1, 25), st.integers(1, 8))
def test_windows_progress_and_reach_every_word(counts, window, overlap):
    found = cut(counts, window, overlap)
    assert {i for w in found for i in range(w.first_word, w.last_word)} == set(range(len(counts)))
    for left, right in pairwise(found):
        assert left.first_word < right.first_word
        assert left.last_word < right.last_word


@given(st.lists(st.integers(1, 3), min_size=1, max_size=80), st.integers(1, 8))
def test_neighbours_share_the_overlap_where_there_is_room(counts, overlap):
    found = cut(counts, 3 * (overlap + 1), overlap)
    for left, right in pairwise(found):
        assert left.last_word - right.first_word >= overlap


def test_a_short_document_is_one_window():
    assert cut([1, 2, 3], 6, 12) == [Window(0, 3)]


def test_an_empty_document_has_no_window():
    assert cut([], 6, 12) == []


def test_the_last_window_reaches_back():
    assert cut([1] * 11, 10, 2) == [Window(0, 10), Window(1, 11)]


def test_a_word_longer_than_the_window_is_alone():
    assert cut([1, 1, 50, 1, 1], 4, 2) == [Window(0, 2), Window(2, 3), Window(3, 5)]


def test_a_long_word_does_not_make_windows_inside_windows():
    assert cut([1] * 20 + [20], 20, 12) == [Window(0, 20), Window(20, 21)]


def test_a_million_words():
    counts = np.ones(1_000_000, dtype=np.int64)
    found = windows(counts, window=500, overlap=12)
    assert found[-1] == Window(999_500, 1_000_000)
    assert len(found) == 1 + -(-(1_000_000 - 500) // 488)


@pytest.mark.parametrize("room", [0, -5])
def test_no_room_for_text(room):
    with pytest.raises(ValueError, match=rf"\[G013\] 'window' leaves room for {room}"):
        cut([1], room, 1)


def passes(counts: list[int], room: int) -> list[slice]:
    return label_passes(counts, room=room, names=[f"label {i}" for i in range(len(counts))])


def prompt_size(counts: list[int]) -> int:
    return sum(1 + count for count in counts) + 1


@given(st.lists(st.integers(1, 6), max_size=40), st.integers(8, 40))
def test_passes_fit_and_ask_for_every_label_once_in_order(counts, room):
    found = passes(counts, room)
    assert [i for p in found for i in range(p.start, p.stop)] == list(range(len(counts)))
    assert all(prompt_size(counts[p]) <= room for p in found)


@given(st.lists(st.integers(1, 6), min_size=1, max_size=40), st.integers(8, 40))
def test_no_fewer_passes_would_do(counts, room):
    found = passes(counts, room)
    # Filling each pass to the brim, in order, gives the fewest.
    fewest, used = 1, 1
    for count in counts:
        if used + 1 + count > room:
            fewest, used = fewest + 1, 1
        used += 1 + count
    assert len(found) == fewest


def test_passes_share_labels_evenly():
    assert passes([1] * 10, 19) == [slice(0, 5), slice(5, 10)]


def test_labels_that_fit_are_one_pass():
    assert passes([2, 1, 1], 8) == [slice(0, 3)]


def test_no_labels_need_no_pass():
    assert passes([], 8) == []


def test_a_label_too_long_for_a_prompt_is_named():
    with pytest.raises(ValueError, match=r"\[G014\] .*'label 1' takes 9 .*room for 8"):
        passes([1, 7, 1], 8)
    assert passes([1, 6, 1], 8) == [slice(0, 1), slice(1, 2), slice(2, 3)]
