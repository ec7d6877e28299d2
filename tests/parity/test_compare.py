"""The comparison itself can tell what differs."""

import pytest

from spacy_gliner.pipeline.words import WORD_PATTERN

from .compare import TOLERANCE, Difference, difference, join_neighbours
from .texts import TEXTS, many_texts


def test_spans_of_one_side_and_scores_of_both_are_counted():
    ours = [{(0, 4, "city"): 0.9, (5, 9, "person"): 0.8}, {}]
    theirs = [{(0, 4, "city"): 0.7, (5, 9, "city"): 0.8}, {(0, 1, "city"): 0.6}]
    found = difference(ours, theirs, threshold=0.5)
    assert found == Difference(spans=4, differing=3, score=pytest.approx(0.2))


def test_a_span_at_the_threshold_may_be_found_by_one_side_only():
    spans = [{(0, 4, "city"): 0.5 + TOLERANCE / 2}]
    assert difference(spans, [{}], threshold=0.5) == Difference(spans=1, differing=0, score=0.0)


def test_neighbours_of_one_label_are_joined():
    text = "New \tYork, Bo Ek"
    spans = {
        (11, 13, "city"): 0.9,
        (5, 9, "city"): 0.7,
        (0, 3, "city"): 0.8,
        (14, 16, "person"): 0.6,
    }
    assert join_neighbours(spans, text) == {
        (0, 9, "city"): 0.7,
        (11, 13, "city"): 0.9,
        (14, 16, "person"): 0.6,
    }


def test_texts_are_of_a_length_that_the_reference_reads():
    texts = many_texts()
    assert texts[: len(TEXTS)] == TEXTS
    assert all(0 < len(WORD_PATTERN.findall(text)) <= 100 for text in texts)
