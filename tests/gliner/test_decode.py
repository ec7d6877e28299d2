import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gliner.decode import MODES, Candidates, decode, join_adjacent, merge

Row = tuple[int, int, int, float]

# Few scores, so that ties are common; exact in float32.
ROWS = st.lists(
    st.builds(
        lambda start, width, type_, score: (start, start + width, type_, score / 8),
        st.integers(0, 12),
        st.integers(1, 5),
        st.integers(0, 2),
        st.integers(1, 7),
    ),
    max_size=40,
)
A_MODE = st.sampled_from(MODES)


def make(rows: list[Row]) -> Candidates:
    ints = np.array([row[:3] for row in rows], dtype=np.int32).reshape(-1, 3)
    return Candidates(*ints.T, np.array([row[3] for row in rows], dtype=np.float32))


def rows_of(c: Candidates) -> list[Row]:
    return list(
        zip(c.start.tolist(), c.end.tolist(), c.type.tolist(), c.score.tolist(), strict=True)
    )


def conflict(a: Row, b: Row, mode: str) -> bool:
    """The rules as the paper words them, on sets of words."""
    if a[:2] == b[:2]:
        return mode != "multi_label" or a[2] == b[2]
    words_a, words_b = set(range(*a[:2])), set(range(*b[:2]))
    if mode == "flat":
        return bool(words_a & words_b)
    return bool(words_a & words_b and words_a - words_b and words_b - words_a)


def oracle(rows: list[Row], mode: str) -> list[Row]:
    kept: list[Row] = []
    for row in sorted(rows, key=lambda r: (-r[3], r[0], r[1] - r[0], r[2])):
        if not any(conflict(row, other, mode) for other in kept):
            kept.append(row)
    return sorted(kept)


@pytest.mark.parametrize(
    "mode,expected",
    [
        ("flat", [(1, 2), (2, 6)]),
        ("nested", [(0, 2), (0, 4), (1, 2)]),
        ("multi_label", [(0, 2), (0, 4), (1, 2)]),
    ],
)
def test_worked_example(mode, expected):
    candidates = make([(0, 4, 0, 0.9), (0, 2, 0, 0.8), (2, 6, 0, 0.85), (1, 2, 0, 0.95)])
    kept = decode(candidates, mode)
    assert list(zip(kept.start.tolist(), kept.end.tolist(), strict=True)) == expected


@pytest.mark.parametrize("mode,types", [("flat", [1]), ("nested", [1]), ("multi_label", [0, 1])])
def test_two_types_of_one_span(mode, types):
    kept = decode(make([(0, 2, 0, 0.6), (0, 2, 1, 0.7)]), mode)
    assert kept.type.tolist() == types


def test_ties_keep_start_then_width_then_type():
    assert rows_of(decode(make([(1, 3, 0, 0.5), (0, 2, 0, 0.5)]), "flat")) == [(0, 2, 0, 0.5)]
    assert rows_of(decode(make([(0, 3, 0, 0.5), (0, 2, 1, 0.5)]), "flat")) == [(0, 2, 1, 0.5)]
    assert rows_of(decode(make([(0, 2, 1, 0.5), (0, 2, 0, 0.5)]), "flat")) == [(0, 2, 0, 0.5)]


@given(ROWS, A_MODE)
def test_decode_is_the_oracle(rows, mode):
    assert rows_of(decode(make(rows), mode)) == oracle(rows, mode)


@given(ROWS, A_MODE, st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_matter(rows, mode, random):
    shuffled = random.sample(rows, len(rows))
    assert rows_of(decode(make(rows), mode)) == rows_of(decode(make(shuffled), mode))


@given(ROWS, A_MODE)
def test_decoding_twice_changes_nothing(rows, mode):
    once = decode(make(rows), mode)
    assert rows_of(decode(once, mode)) == rows_of(once)


@given(ROWS, A_MODE)
def test_kept_ones_agree_and_removed_ones_lost_to_a_better_one(rows, mode):
    kept = rows_of(decode(make(rows), mode))
    for i, a in enumerate(kept):
        assert not any(conflict(a, b, mode) for b in kept[i + 1 :])
    for row in set(rows) - set(kept):
        assert any(conflict(row, b, mode) and b[3] >= row[3] for b in kept)


@given(ROWS)
def test_merge_keeps_the_best_of_each_span_and_type(rows):
    best: dict[tuple[int, int, int], float] = {}
    for *key, score in rows:
        best[tuple(key)] = max(score, best.get(tuple(key), 0.0))
    assert rows_of(merge(make(rows))) == sorted((*key, score) for key, score in best.items())


def test_windows_and_passes_are_shifted_and_put_together():
    first, second = make([(0, 2, 0, 0.5)]), make([(1, 3, 1, 0.25)])
    whole = Candidates.concatenate([first, second.shift(words=10, types=2)])
    assert rows_of(whole) == [(0, 2, 0, 0.5), (11, 13, 3, 0.25)]
    assert (second.start.tolist(), len(whole)) == ([1], 2)


def test_dtypes_are_kept():
    for c in (
        Candidates.empty(),
        Candidates.concatenate([]),
        decode(Candidates.concatenate([make([(0, 1, 0, 0.5)]).shift(words=3, types=1)]), "nested"),
    ):
        assert [a.dtype for a in (c.start, c.end, c.type, c.score)] == ["i4", "i4", "i4", "f4"]


@pytest.mark.parametrize("mode", MODES)
def test_no_candidates(mode):
    assert len(decode(Candidates.empty(), mode)) == 0


@pytest.mark.parametrize("mode", MODES)
def test_a_hundred_thousand_candidates_over_a_million_words(mode):
    rng = np.random.default_rng(0)
    start = rng.integers(0, 1_000_000, 100_000, dtype=np.int32)
    width = rng.integers(1, 13, 100_000, dtype=np.int32)
    type_ = rng.integers(0, 5, 100_000, dtype=np.int32)
    kept = decode(Candidates(start, start + width, type_, rng.random(100_000, "f4")), mode)
    if mode == "flat":
        assert np.all(kept.start[1:] >= kept.end[:-1])
    assert 30_000 < len(kept) < 100_000


def test_unknown_mode_names_setting_and_choices():
    with pytest.raises(ValueError, match=r"\[G001\].*'mode' is 'tree'.*flat, nested, multi_label"):
        decode(Candidates.empty(), "tree")


def test_neighbours_of_one_type_are_joined_with_their_lowest_score():
    words = [(0, 1, 0, 0.5), (1, 2, 0, 0.75), (2, 3, 1, 0.5), (4, 5, 0, 0.25), (5, 6, 0, 0.5)]
    expected = [(0, 2, 0, 0.5), (2, 3, 1, 0.5), (4, 6, 0, 0.25)]
    assert rows_of(join_adjacent(make(words))) == expected
    assert rows_of(join_adjacent(make(words[::-1]))) == expected
    assert not len(join_adjacent(Candidates.empty()))


@given(
    words=st.dictionaries(st.tuples(st.integers(0, 9), st.integers(0, 2)), st.integers(1, 7)),
    order=st.randoms(use_true_random=False),
)
def test_joining_keeps_every_word_and_leaves_no_neighbours(words, order):
    rows = [(start, start + 1, type_, score / 8) for (start, type_), score in words.items()]
    order.shuffle(rows)
    joined = rows_of(join_adjacent(make(rows)))
    assert sorted(
        (word, type_) for start, end, type_, _ in joined for word in range(start, end)
    ) == sorted(words)
    ends = {(end, type_) for _, end, type_, _ in joined}
    assert not any((start, type_) in ends for start, _, type_, _ in joined)
    for start, end, type_, score in joined:
        assert score == min(words[word, type_] for word in range(start, end)) / 8
