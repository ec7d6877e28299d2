from unittest import mock

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spacy_gliner.gliner.pieces import Pieces
from spacy_gliner.gliner.prompt import PromptBuilder

from ..tiny import SENTENCES

WORDS = st.lists(st.text(min_size=1, max_size=6), max_size=12)
INVISIBLE = ["\u200b", "\ufeff", "\u200d\u200d", "\u00ad", "\u0301", "\ufe0f", " ", "\t", "\n"]
any_words = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)


@pytest.fixture(scope="module")
def builder(checkpoint) -> PromptBuilder:
    return checkpoint.prompts


def tokens(builder: PromptBuilder, ids) -> list[str]:
    return builder.tokenizer.convert_ids_to_tokens(list(map(int, ids)))


def lay_out(builder: PromptBuilder, types: list[str], text: str):
    return builder.row(*builder.units([types, text.split()]))


def test_a_row_is_types_then_words(builder):
    ids, type_positions, word_positions = lay_out(builder, ["person", "old city"], "xq in Oslo")
    assert tokens(builder, ids) == (
        [
            "[CLS]",
            "<<ENT>>",
            "person",
            "<<ENT>>",
            "old",
            "city",
            "<<SEP>>",
            "x",
            "##q",
            "in",
            "oslo",
            "[SEP]",
        ]
    )
    assert type_positions.tolist() == [1, 3]
    assert word_positions.tolist() == [7, 9, 10]


def test_a_row_without_types_or_words(builder):
    ids, type_positions, word_positions = builder.row(*builder.units([[], []]))
    assert tokens(builder, ids) == ["[CLS]", "<<SEP>>", "[SEP]"]
    assert not len(type_positions) and not len(word_positions)
    assert builder.size(Pieces.join([]), Pieces.join([])) == 3


def test_the_markers_in_a_text_are_no_markers_of_types(builder):
    """A text that holds "<<ENT>>" still has as many positions as words."""
    types, words = builder.units([["person"], ["<<ENT>>", "Oslo"]])
    _, type_positions, word_positions = builder.row(types, words)
    assert (len(type_positions), len(word_positions)) == (1, 2)
    assert word_positions[1] > word_positions[0]


def test_units_are_the_tokenizers_own(builder):
    sentences = [sentence.split() for sentence in SENTENCES]
    encoding = builder.tokenizer(sentences, is_split_into_words=True, add_special_tokens=False)
    for number, pieces in enumerate(builder.units(sentences)):
        assert pieces.ids.tolist() == encoding["input_ids"][number]
        starts = [encoding.word_to_tokens(number, w).start for w in range(len(pieces))]
        assert pieces.offsets[:-1].tolist() == starts


@any_words
@given(words=WORDS)
def test_every_word_has_its_own_pieces_whatever_its_neighbours(builder, words):
    (pieces,) = builder.units([words])
    assert len(pieces) == len(words)
    assert (pieces.counts >= 1).all()
    for i, word in enumerate(words):
        (alone,) = builder.units([[word]])
        assert pieces[i : i + 1].ids.tolist() == alone.ids.tolist()


@pytest.mark.parametrize("invisible", INVISIBLE)
def test_a_word_without_pieces_is_unknown_and_shifts_no_other(builder, invisible):
    words = [invisible, "Oslo", invisible, invisible, "Bergen", invisible]
    (pieces,) = builder.units([words])
    found = [tokens(builder, pieces[i : i + 1].ids) for i in range(len(words))]
    unknown = ["[UNK]"]
    assert found == [unknown, ["oslo"], unknown, unknown, ["bergen"], unknown]


@any_words
@given(sequences=st.lists(WORDS, max_size=5), sizes=st.tuples(st.integers(1, 4), st.integers(1, 3)))
def test_it_does_not_matter_how_many_words_are_cut_at_once(builder, sequences, sizes):
    whole = builder.units(sequences)
    with (
        mock.patch("spacy_gliner.gliner.prompt.PART", sizes[0]),
        mock.patch("spacy_gliner.gliner.prompt.PARTS", sizes[1]),
    ):
        parts = builder.units(sequences)
    assert [len(pieces) for pieces in whole] == [len(words) for words in sequences]
    for pieces, others in zip(whole, parts, strict=True):
        assert np.array_equal(pieces.ids, others.ids)
        assert np.array_equal(pieces.offsets, others.offsets)


def test_only_invisible_words(builder):
    (pieces,) = builder.units([["\u200b", "\ufeff"]])
    assert tokens(builder, pieces.ids) == ["[UNK]", "[UNK]"]


@any_words
@given(rows=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=4))
def test_a_batch_holds_every_row(builder, rows):
    types, words = (builder.units(column) for column in zip(*rows, strict=True))
    pairs = list(zip(types, words, strict=True))
    batch = builder.batch(pairs)
    assert batch.input_ids.shape == batch.attention_mask.shape
    assert batch.type_counts.tolist() == [len(types) for types, _ in rows]
    assert batch.word_counts.tolist() == [len(words) for _, words in rows]
    for index, pair in enumerate(pairs):
        ids, type_positions, word_positions = builder.row(*pair)
        assert len(ids) == builder.size(*pair) == batch.attention_mask[index].sum()
        assert batch.input_ids[index, : len(ids)].tolist() == ids.tolist()
        assert (batch.input_ids[index, len(ids) :] == builder.tokenizer.pad_token_id).all()
        assert batch.type_positions[index, : len(type_positions)].tolist() == list(type_positions)
        assert batch.word_positions[index, : len(word_positions)].tolist() == list(word_positions)


def test_positions_point_at_markers_and_first_pieces(builder):
    types, words = builder.units([["person", "city"], ["xyz", "moved", "to", "Oslo"]])
    batch = builder.batch([(types, words)])
    ids = batch.input_ids[0]
    at_types = ids[batch.type_positions[0, :2]]
    at_words = ids[batch.word_positions[0, :4]]
    assert tokens(builder, at_types) == ["<<ENT>>", "<<ENT>>"]
    assert tokens(builder, at_words) == ["x", "moved", "to", "oslo"]


def test_pieces_can_be_sliced_and_cut():
    pieces = Pieces.join([[1, 2, 3], [4], [5, 6]])
    assert pieces.counts.tolist() == [3, 1, 2]
    part = pieces[1:]
    assert (part.ids.tolist(), part.offsets.tolist()) == ([4, 5, 6], [0, 1, 3])
    cut = Pieces.join([[1, 2, 3]]).cut(2)
    assert (cut.ids.tolist(), cut.offsets.tolist()) == ([1, 2], [0, 2])
    assert len(Pieces.join([])) == 0
    assert len(pieces[3:]) == 0


@given(sizes=st.lists(st.integers(1, 4), max_size=8), data=st.data())
def test_a_slice_of_pieces_is_that_of_its_units(sizes, data):
    units = [list(range(10 * i, 10 * i + size)) for i, size in enumerate(sizes)]
    start = data.draw(st.integers(0, len(sizes)))
    stop = data.draw(st.integers(start, len(sizes)))
    found, expected = Pieces.join(units)[start:stop], Pieces.join(units[start:stop])
    assert np.array_equal(found.ids, expected.ids)
    assert np.array_equal(found.offsets, expected.offsets)


def test_attention_covers_no_padding(builder):
    short, long = builder.units([["Oslo"], ["the", "long", "cold", "river"]])
    (types,) = builder.units([["city"]])
    mask = builder.batch([(types, short), (types, long)]).attention_mask
    assert mask.dtype == torch.long
    assert mask.sum(dim=1).tolist() == [builder.size(types, short), builder.size(types, long)]
