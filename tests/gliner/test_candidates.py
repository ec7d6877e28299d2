import math

import numpy as np
import pytest
import torch

from spacy_gliner.gliner.candidates import candidates
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
    (found,) = candidates(logits, [[0.5, 0.3]])
    assert found.start.tolist() == [0, 1, 3]
    assert found.end.tolist() == [1, 4, 4]
    assert found.type.tolist() == [0, 1, 1]
    np.testing.assert_allclose(found.score, [0.6, 0.4, 0.9], rtol=1e-5)


def test_a_score_equal_to_the_threshold_is_too_low():
    logits = torch.zeros(1, 1, 1, 1)
    assert len(candidates(logits, [[0.5]])[0]) == 0
    assert len(candidates(logits, [[0.49999]])[0]) == 1


def test_each_row_has_its_own_thresholds_and_number_of_types():
    logits = logits_of((2, 2, 1, 2), r0w0x0t0=0.6, r0w1x0t1=0.6, r1w0x0t0=0.6, r1w1x0t0=0.8)
    first, second = candidates(logits, [[0.5, 0.5], [0.7]])
    assert list(zip(first.start, first.type, strict=True)) == [(0, 0), (1, 1)]
    assert list(zip(second.start, second.type, strict=True)) == [(1, 0)]


def test_types_that_a_row_lacks_are_never_found():
    logits = torch.full((2, 1, 1, 2), 1000.0)
    both, one = candidates(logits, [[0.5, 0.5], [0.5]])
    assert both.type.tolist() == [0, 1]
    assert one.type.tolist() == [0]


def test_what_is_no_span_is_never_found():
    assert len(candidates(logits_of((1, 3, 2, 2)), [[1e-30, 1e-30]])[0]) == 0


def test_arrays_are_small_and_of_the_promised_types():
    (found,) = candidates(torch.ones(1, 2, 1, 1), [[0.5]])
    assert [a.dtype for a in (found.start, found.end, found.type)] == [np.int32] * 3
    assert found.score.dtype == np.float32


def test_one_list_of_thresholds_is_needed_for_each_row():
    with pytest.raises(ValueError, match="zip"):
        candidates(torch.ones(2, 1, 1, 1), [[0.5]])
