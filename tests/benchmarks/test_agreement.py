import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.inference.agreement import TOLERANCE, agreement, unexplained

ALMOST = TOLERANCE / 2
A, B, C = (0, 5, "city"), (3, 9, "city"), (8, 12, "person")


def test_counts_add_up_over_the_texts():
    found = agreement(
        [{A: 0.9, C: 0.8}, {}, {B: 0.7}], [{A: 0.8, C: 0.8}, {B: 0.9}, {}], threshold=0.5
    )
    assert (found.spans, found.shared, found.unexplained) == (4, 2, 2)
    assert found.share == 0.5
    assert found.score == pytest.approx(0.1)


def test_nothing_found_by_both_is_the_same():
    assert agreement([{}], [{}], threshold=0.5).share == 1.0


def test_a_score_at_the_threshold_may_fall_on_either_side():
    assert not unexplained({A: 0.5 + ALMOST}, {}, threshold=0.5)
    assert unexplained({A: 0.5 + 3 * TOLERANCE}, {}, threshold=0.5) == {A}


def test_of_two_with_one_score_either_may_win():
    assert not unexplained({A: 0.8}, {B: 0.8 + ALMOST}, threshold=0.5)
    assert unexplained({A: 0.8}, {B: 0.9}, threshold=0.5) == {A, B}


def test_a_tie_elsewhere_explains_nothing():
    assert unexplained({A: 0.8}, {C: 0.8}, threshold=0.5) == {A, C}


def test_what_gives_way_to_a_span_found_by_chance_is_explained():
    # B ties with A, and where B wins there is no room for C.
    assert not unexplained({A: 0.8, C: 0.7}, {B: 0.8}, threshold=0.5)


SPANS = st.dictionaries(
    st.tuples(st.integers(0, 6), st.integers(7, 9), st.sampled_from(["city", "person"])),
    st.floats(0.51, 0.99),
)


@given(SPANS, SPANS)
def test_the_order_of_the_two_does_not_matter(a, b):
    left = unexplained(a, b, threshold=0.5)
    assert left == unexplained(b, a, threshold=0.5)
    assert left <= a.keys() ^ b.keys()
    assert not unexplained(a, a, threshold=0.5)
