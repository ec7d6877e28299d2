from itertools import islice
from math import cos, pi

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import Doc
from spacy.training import Example

from spacy_gliner.training.batching import make_word_batcher
from spacy_gliner.training.schedules import make_warmup_cosine

vocab = spacy.blank("en").vocab


def rates(n: int, *args) -> list[float]:
    return list(islice(make_warmup_cosine(*args), n))


def test_the_rate_rises_in_a_line_and_falls_along_a_cosine():
    found = rates(12, 2.0, 4, 10)
    half_wave = [0.5 * (1 + cos(pi * step / 10)) for step in range(10)]
    warmup = [0.25, 0.5, 0.75, *[1.0] * 7]
    expected = [2.0 * w * c for w, c in zip(warmup, half_wave, strict=True)]
    assert found == pytest.approx([*expected, 0.0, 0.0])


def test_there_need_be_no_warmup():
    assert rates(1, 2.0, 0, 10) == [2.0]


def test_no_steps_at_all():
    assert rates(3, 2.0, 0, 0) == pytest.approx([2.0, 0.0, 0.0])


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(1, 25))
def test_batches_keep_every_example_in_order(lengths, words):
    examples = [Example(Doc(vocab, words=["w"] * n), Doc(vocab, words=["w"] * n)) for n in lengths]
    batches = list(make_word_batcher(words)(iter(examples)))
    assert [id(e) for batch in batches for e in batch] == [id(e) for e in examples]
    sizes = [[len(e.reference) for e in batch] for batch in batches]
    assert all(sum(batch) >= words > sum(batch[:-1]) for batch in sizes[:-1])
    assert all(batch and sum(batch[:-1]) < words for batch in sizes)
