from dataclasses import replace

import pytest
import torch

from spacy_gliner.gner.bio import write_target
from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.training.gner_batch import Target, make_batch, make_target

from ..gner import models

WORDS = ["In", "Oslo", "the", "rain", "never", "stops"]
TAGS = ["O", "B-city", "O", "O", "O", "O"]
SHORT = Target([5, 6], [20, 21, 1], [False, True, True])
LONG = Target([7, 8, 9], [22, 23, 24, 25, 1], [True, True, True, True, True])


@pytest.fixture(scope="module", params=[models.write_t5, models.write_llama])
def checkpoint(request, tmp_path_factory):
    return GNERCheckpoint.from_disk(request.param(tmp_path_factory.mktemp("batch")))


def target(checkpoint, *, tags=TAGS, tags_only=False, **settings) -> Target:
    checkpoint = replace(checkpoint, config=replace(checkpoint.config, **settings))
    return make_target(checkpoint, [7], WORDS, tags, tags_only=tags_only)


def written(checkpoint, pieces) -> str:
    (text,) = checkpoint.decode([pieces])
    return text.strip()


# Targets


@pytest.mark.parametrize("boundaries", ["bio", "plain"])
def test_the_pieces_spell_the_target_and_its_end(checkpoint, boundaries):
    tags = ["O", "B-city", *["O"] * 4] if boundaries == "bio" else ["O", "I-city", *["O"] * 4]
    found = target(checkpoint, tags=tags, boundaries=boundaries)
    expected = write_target(WORDS, tags, boundaries=boundaries)
    assert written(checkpoint, found.pieces) == expected
    assert found.pieces[-1] == checkpoint.tokenizer.eos_token_id
    assert len(found.learned) == len(found.pieces) and all(found.learned)


@pytest.mark.parametrize(
    ("context", "text"),
    [
        (0, "Oslo(B-city)"),
        (1, "In(O) Oslo(B-city) the(O)"),
        ("full", write_target(WORDS, TAGS)),
    ],
)
def test_the_context_says_which_words_are_written(checkpoint, context, text):
    assert written(checkpoint, target(checkpoint, context=context).pieces) == text


def test_without_entities_and_context_only_the_end_is_written(checkpoint):
    found = target(checkpoint, tags=["O"] * len(WORDS), context=0)
    assert found.pieces == [checkpoint.tokenizer.eos_token_id] and found.learned == [True]


def test_the_loss_can_be_on_the_tags_alone(checkpoint):
    found = target(checkpoint, tags_only=True)
    learned = [piece for piece, own in zip(found.pieces, found.learned, strict=True) if own]
    expected = [piece for tag in TAGS for piece in checkpoint.target.tag(tag)]
    assert learned == expected
    whole = target(checkpoint)
    assert (found.prompt, found.pieces) == (whole.prompt, whole.pieces)


# Batches


def test_an_encoder_decoder_reads_the_target_moved_on_by_one():
    batch = make_batch([SHORT, LONG], start=0)
    assert batch.inputs.tolist() == [[5, 6, 0], [7, 8, 9]]
    assert batch.mask.tolist() == [[1, 1, 0], [1, 1, 1]]
    assert batch.decoder_inputs.tolist() == [[0, 20, 21, 0, 0], [0, 22, 23, 24, 25]]
    assert batch.learned.int().tolist() == [[0, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch.labels.tolist() == [21, 1, 22, 23, 24, 25, 1]


def test_a_decoder_reads_the_target_behind_the_prompt_which_is_not_learned():
    batch = make_batch([SHORT, LONG], start=None)
    assert batch.decoder_inputs is None
    assert batch.inputs.tolist() == [[5, 6, 20, 21, 0, 0, 0], [7, 8, 9, 22, 23, 24, 25]]
    assert batch.mask.tolist() == [[1, 1, 1, 1, 0, 0, 0], [1] * 7]
    assert batch.learned.int().tolist() == [[0, 0, 1, 1, 0, 0, 0], [0, 0, 1, 1, 1, 1, 1]]
    assert batch.labels.tolist() == [21, 1, 22, 23, 24, 25, 1]


@pytest.mark.parametrize("start", [0, None])
def test_each_label_is_what_stands_next(start):
    """Where all is learned, it is the pieces themselves, in the rows of the decoder."""
    batch = make_batch([LONG], start=start)
    rows = batch.inputs if start is None else batch.decoder_inputs
    read = rows[batch.learned]
    assert torch.equal(read[1:], batch.labels[:-1])
    assert read[0] == (9 if start is None else 0) and batch.labels[-1] == 1
