import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gliner.candidates import span_candidates, token_candidates
from spacy_gliner.gliner.network import NO_SPAN


def logits_of(shape: tuple[int, ...], **probabilities: float) -> torch.Tensor:
    """Logits that are NO_SPAN but for the given ones; "r0w1x2t3" is row, word, width - 1, type."""
    logits = torch.full(shape, NO_SPAN)
    for place, probability in probabilities.items():
        row, word, width, type_ = (int(place[i]) for i in (1, 3, 5, 7))
        logits[row, word, width, type_] = math.log(probability / (1 - probability))
    return logits


def test_spans_above_the_threshold_of_their_type_are_found():
    logits = logits_of((1, 4, 3, 2), r0w0x0t0=0.6, r0w1x2t0=0.4, r0w1x2t1=0.4, r0w3x0t1=0.9)
    (found,) = span_candidates(logits, [[0.5, 0.3]])
    assert found.start.tolist() == [0, 1, 3]
    assert found.end.tolist() == [1, 4, 4]
    assert found.type.tolist() == [0, 1, 1]
    np.testing.assert_allclose(found.score, [0.6, 0.4, 0.9], rtol=1e-5)


def test_a_score_equal_to_the_threshold_is_too_low():
    logits = torch.zeros(1, 1, 1, 1)
    assert len(span_candidates(logits, [[0.5]])[0]) == 0
    assert len(span_candidates(logits, [[0.49999]])[0]) == 1


def test_each_row_has_its_own_thresholds_and_number_of_types():
    logits = logits_of((2, 2, 1, 2), r0w0x0t0=0.6, r0w1x0t1=0.6, r1w0x0t0=0.6, r1w1x0t0=0.8)
    first, second = span_candidates(logits, [[0.5, 0.5], [0.7]])
    assert list(zip(first.start, first.type, strict=True)) == [(0, 0), (1, 1)]
    assert list(zip(second.start, second.type, strict=True)) == [(1, 0)]


def test_types_that_a_row_lacks_are_never_found():
    logits = torch.full((2, 1, 1, 2), 1000.0)
    both, one = span_candidates(logits, [[0.5, 0.5], [0.5]])
    assert both.type.tolist() == [0, 1]
    assert one.type.tolist() == [0]


def test_what_is_no_span_is_never_found():
    assert len(span_candidates(logits_of((1, 3, 2, 2)), [[1e-30, 1e-30]])[0]) == 0


def test_arrays_are_small_and_of_the_promised_types():
    (found,) = span_candidates(torch.ones(1, 2, 1, 1), [[0.5]])
    assert [a.dtype for a in (found.start, found.end, found.type)] == [np.int32] * 3
    assert found.score.dtype == np.float32


def test_one_list_of_thresholds_is_needed_for_each_row():
    with pytest.raises(ValueError, match="zip"):
        span_candidates(torch.ones(2, 1, 1, 1), [[0.5]])


# Few values, exact in float32, so that ties are common.
SIXTEENTHS = st.integers(1, 15).map(lambda n: n / 16)
WORDS = st.lists(st.tuples(*[SIXTEENTHS] * 3), min_size=1, max_size=7)


def spans_by_words(words: list[tuple[float, ...]], limit: float) -> dict[tuple[int, int], float]:
    """Every span whose first word begins, last word ends and every word is inside, by the rule."""
    found = {}
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            begin, (_, last, _) = words[start][0], words[end - 1]
            score = min(begin, last, *(inside for _, _, inside in words[start:end]))
            if score > limit:
                found[start, end] = score
    return found


@given(rows=st.lists(WORDS, min_size=1, max_size=3), limit=SIXTEENTHS)
def test_spans_by_the_scores_of_words_are_all_those_that_the_rule_gives(rows, limit):
    longest = max(map(len, rows))
    logits = torch.full((len(rows), longest, 3, 2), NO_SPAN)
    for row, words in enumerate(rows):
        logits[row, : len(words), :, 1] = torch.tensor(words).logit()
    found = token_candidates(logits, [[0.5, limit - 1 / 64]] * len(rows))
    for candidates, words in zip(found, rows, strict=True):
        spans = list(zip(candidates.start.tolist(), candidates.end.tolist(), strict=True))
        expected = spans_by_words(words, limit - 1 / 64)
        assert sorted(spans) == sorted(expected)
        assert set(candidates.type.tolist()) <= {1}
        scores = [expected[span] for span in spans]
        np.testing.assert_allclose(candidates.score, scores, rtol=1e-6)


def test_a_span_by_the_scores_of_words_may_be_long():
    (found,) = token_candidates(torch.full((1, 40, 3, 1), 2.0), [[0.5]])
    assert (0, 40) in set(zip(found.start.tolist(), found.end.tolist(), strict=True))
    assert [a.dtype for a in (found.start, found.end, found.type)] == [np.int32] * 3
    assert found.score.dtype == np.float32


def test_words_have_rows_and_types_of_their_own():
    logits = torch.full((2, 3, 3, 2), NO_SPAN)
    logits[0, 1, :, 1] = logits[1, 2, :, 0] = 1.0
    first, second = token_candidates(logits, [[0.5, 0.5], [0.5]])
    assert [*zip(first.start, first.end, first.type, strict=True)] == [(1, 2, 1)]
    assert [*zip(second.start, second.end, second.type, strict=True)] == [(2, 3, 0)]
