import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.inference.contenders import Contender
from benchmarks.inference.ours import equal_batches
from benchmarks.inference.peers import in_characters


@given(st.lists(st.integers(1, 9), max_size=20), st.integers(1, 30))
def test_the_floor_reads_every_row_and_no_padding(lengths, max_pieces):
    rows = [np.full(length, index + 1) for index, length in enumerate(lengths)]
    stacks = list(equal_batches(rows, max_pieces))
    found = sorted(tuple(row) for stack in stacks for row in stack.tolist())
    assert found == sorted(tuple(row.tolist()) for row in rows)
    assert all(stack.numel() <= max_pieces or len(stack) == 1 for stack in stacks)


def test_offsets_in_bytes_become_offsets_in_characters():
    text = "Zoë in Århus"
    start = len("Zoë in ".encode())
    found = in_characters({(start, len(text.encode()), "city"): 0.9}, text)
    assert found == {(7, 12, "city"): 0.9}


def test_a_contender_lacks_the_modules_that_are_not_there():
    def load(job):
        pytest.fail("must not be loaded")

    assert Contender(load, ("spacy", "no_such_module")).missing == ["no_such_module"]
