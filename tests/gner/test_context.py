from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gner.context import kept_words

TAGS = st.lists(st.sampled_from(["O", "O", "O", "B-a", "I-a"]), max_size=12)
TEXT = ["O", "O", "O", "B-a", "I-a", "O", "O", "O", "O", "O", "B-b", "O"]


@pytest.mark.parametrize(
    ("context", "kept"),
    [
        (0, [3, 4, 10]),
        (1, [2, 3, 4, 5, 9, 10, 11]),
        (2, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]),
        (3, list(range(12))),
        ("full", list(range(12))),
    ],
)
def test_worked_example(context, kept):
    assert kept_words(TEXT, context) == kept


@pytest.mark.parametrize(("context", "kept"), [(0, []), (5, []), ("full", [0, 1])])
def test_without_entities_only_the_full_target_has_words(context, kept):
    assert kept_words(["O", "O"], context) == kept


@given(TAGS, st.integers(0, 4))
def test_a_word_is_kept_if_an_entity_is_so_near(tags, context):
    entities = [i for i, tag in enumerate(tags) if tag != "O"]
    kept = kept_words(tags, context)
    assert kept == sorted(set(kept)) and set(kept) <= set(range(len(tags)))
    for word in range(len(tags)):
        distance = min((abs(word - entity) for entity in entities), default=inf)
        assert (word in kept) == (distance <= context)
