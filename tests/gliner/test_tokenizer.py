"""Tokenizers and encoder settings that a folder has, or leaves to its encoder's own folder."""

from dataclasses import replace

import pytest
import srsly
import torch
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.tokenizer import add_markers, load_tokenizer

from .test_variants import ROWS
from .variants import score

CONFIG = "gliner_config.json"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")


@pytest.fixture
def legacy(checkpoint, encoder_folder, tmp_path):
    """A folder like those of the first releases: its encoder's folder has the rest."""
    checkpoint.to_disk(tmp_path)
    for name in TOKENIZER_FILES:
        (tmp_path / name).unlink()
    settings = srsly.read_json(tmp_path / CONFIG)
    for key in ("encoder_config", "class_token_index", "vocab_size"):
        del settings[key]
    srsly.write_json(tmp_path / CONFIG, {**settings, "model_name": str(encoder_folder)})
    return tmp_path


def test_what_a_folder_lacks_comes_from_its_encoder(checkpoint, legacy, tmp_path):
    again = Checkpoint.from_disk(legacy)
    assert torch.equal(score(again, ROWS), score(checkpoint, ROWS))
    again.to_disk(tmp_path / "whole")
    srsly.write_json(
        tmp_path / "whole" / CONFIG,
        {**srsly.read_json(tmp_path / "whole" / CONFIG), "model_name": "not/needed"},
    )
    whole = Checkpoint.from_disk(tmp_path / "whole")
    assert torch.equal(score(whole, ROWS), score(checkpoint, ROWS))


@pytest.mark.parametrize("keep, what", [(CONFIG, "configuration"), ("encoder_config", "tokenizer")])
def test_an_encoder_that_cannot_be_had_is_named(checkpoint, legacy, keep, what):
    settings = {**srsly.read_json(legacy / CONFIG), "model_name": "nobody/has-this"}
    if keep == "encoder_config":
        settings["encoder_config"] = checkpoint.config.encoder_config
    srsly.write_json(legacy / CONFIG, settings)
    with pytest.raises(ValueError, match=rf"\[G114\].*no {what}.*nobody/has-this") as error:
        Checkpoint.from_disk(legacy)
    assert str(legacy) in str(error.value)


@pytest.mark.parametrize("flert", [True, False])
def test_markers_get_the_ids_that_they_were_trained_with(checkpoint, encoder_folder, flert):
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    pieces = len(tokenizer)
    added = 3 if flert else 2
    add_markers(tokenizer, checkpoint.config, rows=pieces + added, folder=encoder_folder)
    markers = ["<<ENT>>", "<<SEP>>"]
    first = pieces + added - 2
    assert tokenizer.convert_tokens_to_ids(markers) == [first, first + 1]
    assert len(tokenizer) == pieces + added
    assert tokenizer.tokenize("<<ENT>>") == ["<<ENT>>"]
    add_markers(tokenizer, checkpoint.config, rows=0, folder=encoder_folder)
    assert len(tokenizer) == pieces + added


def test_markers_may_have_other_names(checkpoint, encoder_folder):
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    config = replace(checkpoint.config, ent_token="[T]", sep_token="[W]")
    add_markers(tokenizer, config, rows=len(tokenizer) + 2, folder=encoder_folder)
    assert tokenizer.convert_ids_to_tokens([len(tokenizer) - 2, len(tokenizer) - 1]) == [
        "[T]",
        "[W]",
    ]


@pytest.mark.parametrize("more", [-1, 0, 1, 4])
def test_another_tokenizer_than_the_models_is_refused(checkpoint, encoder_folder, more):
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder)
    with pytest.raises(ValueError, match=r"\[G115\]") as error:
        add_markers(tokenizer, checkpoint.config, rows=len(tokenizer) + more, folder=encoder_folder)
    assert str(len(tokenizer) + more) in str(error.value)


def test_a_truncation_that_a_tokenizer_was_saved_with_is_undone(checkpoint, tmp_path):
    checkpoint.to_disk(tmp_path)
    stored = srsly.read_json(tmp_path / "tokenizer.json")
    truncation = {"direction": "Right", "max_length": 6, "strategy": "LongestFirst", "stride": 0}
    padding = {
        "strategy": {"Fixed": 9},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "[PAD]",
    }
    srsly.write_json(
        tmp_path / "tokenizer.json", {**stored, "truncation": truncation, "padding": padding}
    )
    again = Checkpoint.from_disk(tmp_path)
    assert torch.equal(score(again, ROWS), score(checkpoint, ROWS))


def test_a_sentencepiece_model_alone_is_enough(tmp_path):
    """DeBERTa-v3 on the hub has no other tokenizer file than this."""
    text = tmp_path / "text.txt"
    text.write_text(
        "\n".join(["Berta Lund moved to Oslo in May .", "The old boat went north ."] * 9)
    )
    SentencePieceTrainer.train(
        input=str(text),
        model_prefix=str(tmp_path / "spm"),
        vocab_size=60,
        hard_vocab_limit=False,
        pad_id=0,
        bos_id=1,
        eos_id=2,
        unk_id=3,
        pad_piece="[PAD]",
        bos_piece="[CLS]",
        eos_piece="[SEP]",
        unk_piece="[UNK]",
        minloglevel=2,
    )
    settings = {"tokenizer_class": "DebertaV2Tokenizer", "vocab_type": "spm"}
    srsly.write_json(tmp_path / "tokenizer_config.json", settings)
    tokenizer = load_tokenizer(tmp_path, "not/needed")
    assert isinstance(tokenizer, PreTrainedTokenizerFast)
    pieces = SentencePieceProcessor(model_file=str(tmp_path / "spm.model"))
    words = ["Berta", "moved", "north"]
    encoding = tokenizer(words, is_split_into_words=True, add_special_tokens=False)
    assert encoding["input_ids"] == [id for word in words for id in pieces.encode(word)]
