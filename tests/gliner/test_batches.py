from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gliner.batches import batches


@given(st.lists(st.integers(1, 50), max_size=60), st.integers(1, 200))
def test_batches_hold_every_row_once_and_fit(lengths, max_pieces):
    found = batches(lengths, max_pieces)
    assert sorted(i for batch in found for i in batch) == list(range(len(lengths)))
    for batch in found:
        longest = max(lengths[i] for i in batch)
        assert len(batch) * longest <= max_pieces or len(batch) == 1


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 200))
def test_longest_rows_come_first_and_lengths_do_not_mix(lengths, max_pieces):
    found = [[lengths[i] for i in batch] for batch in batches(lengths, max_pieces)]
    for longer, shorter in pairwise(found):
        assert min(longer) >= max(shorter)
