"""Hostile and damaged folders: a clear error each, and nothing in them is run."""

import pickle
from dataclasses import replace

import pytest
import srsly
import torch
from safetensors.torch import load_file, save_file

from spacy_gliner.gliner.build import build_network
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.weights import published_state, read_weights

from .test_variants import ROWS
from .variants import make_bi_encoder, make_variant, score

SAFE, PICKLED, CONFIG = "model.safetensors", "pytorch_model.bin", "gliner_config.json"


@pytest.fixture
def folder(checkpoint, tmp_path):
    checkpoint.to_disk(tmp_path)
    return tmp_path


@pytest.fixture
def pickled(folder):
    """A folder with weights as the first releases saved them."""
    torch.save(load_file(folder / SAFE), folder / PICKLED)
    (folder / SAFE).unlink()
    return folder


class Trap:
    """Pickled, it writes a file where it is read."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_pickled_weights_are_read(checkpoint, pickled):
    assert torch.equal(score(Checkpoint.from_disk(pickled), ROWS), score(checkpoint, ROWS))


@pytest.mark.parametrize("legacy", [False, True])
def test_code_in_a_pickle_is_not_run(pickled, legacy):
    trap = {"rnn.lstm.weight_ih_l0": Trap(pickled / "sprung")}
    torch.save(trap, pickled / PICKLED, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(ValueError, match=r"\[G113\]") as error:
        Checkpoint.from_disk(pickled)
    assert str(pickled / PICKLED) in str(error.value)
    (pickled / PICKLED).write_bytes(pickle.dumps(trap, protocol=2))
    with pytest.raises(ValueError, match=r"\[G113\]"):
        Checkpoint.from_disk(pickled)
    assert not (pickled / "sprung").exists()


@pytest.mark.parametrize("content", [b"", b"\x80", b"PK\x03\x04 and no more", b"no weights"])
def test_a_pickle_cut_short_is_refused(pickled, content):
    (pickled / PICKLED).write_bytes(content)
    with pytest.raises(ValueError, match=r"\[G103\]|\[G113\]") as error:
        Checkpoint.from_disk(pickled)
    assert str(pickled / PICKLED) in str(error.value)


def test_half_a_zip_is_refused(pickled):
    content = (pickled / PICKLED).read_bytes()
    (pickled / PICKLED).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=r"\[G103\]"):
        Checkpoint.from_disk(pickled)


@pytest.mark.parametrize("stored", [[torch.zeros(1)], {"step": 3}])
def test_a_pickle_of_something_else_is_refused(pickled, stored):
    torch.save(stored, pickled / PICKLED)
    with pytest.raises(ValueError, match=r"\[G113\]"):
        Checkpoint.from_disk(pickled)


def test_safetensors_are_preferred(folder):
    (folder / PICKLED).write_bytes(b"not read")
    _, path = read_weights(folder)
    assert path == folder / SAFE


def test_without_weights_both_names_are_given(folder):
    (folder / SAFE).unlink()
    with pytest.raises(ValueError, match=r"\[G101\].*model.safetensors or pytorch_model.bin"):
        Checkpoint.from_disk(folder)


def test_positions_that_old_releases_stored_and_unused_layers_are_passed_over(checkpoint, folder):
    state = load_file(folder / SAFE)
    spare = {
        "token_rep_layer.bert_layer.model.embeddings.position_ids": torch.arange(512)[None],
        "cross_fuser.layers.0.0.pre_norm.weight": torch.ones(48),
    }
    save_file({**state, **spare}, folder / SAFE)
    assert torch.equal(score(Checkpoint.from_disk(folder), ROWS), score(checkpoint, ROWS))


def test_a_bi_encoders_lstm_is_not_used_and_a_second_layer_is_refused(checkpoint, folder, tmp_path):
    lstm = {k: v for k, v in load_file(folder / SAFE).items() if k.startswith("rnn.")}
    made = make_bi_encoder(checkpoint)
    made.to_disk(tmp_path / "bi")
    save_file({**load_file(tmp_path / "bi" / SAFE), **lstm}, tmp_path / "bi" / SAFE)
    assert torch.equal(score(Checkpoint.from_disk(tmp_path / "bi"), ROWS), score(made, ROWS))
    second = {name.replace("_l0", "_l1"): weight.clone() for name, weight in lstm.items()}
    save_file({**load_file(folder / SAFE), **second}, folder / SAFE)
    with pytest.raises(ValueError, match=r"\[G105\].*rnn.lstm.weight_ih_l1"):
        Checkpoint.from_disk(folder)


@pytest.mark.parametrize("said", [True, False])
def test_the_weights_tell_whether_there_is_an_lstm(checkpoint, tmp_path, said):
    """The reference library makes up a random one where its settings do not deny it."""
    made = make_variant(checkpoint, num_rnn_layers=0)
    made.to_disk(tmp_path)
    settings = srsly.read_json(tmp_path / CONFIG)
    del settings["num_rnn_layers"]
    srsly.write_json(tmp_path / CONFIG, {**settings, "has_rnn": said})
    again = Checkpoint.from_disk(tmp_path)
    assert again.network.words is None
    assert torch.equal(score(again, ROWS), score(made, ROWS))


def test_tied_weights_are_saved_once_and_loaded(checkpoint, tmp_path):
    t5 = {
        "model_type": "t5",
        "vocab_size": checkpoint.config.vocab_size,
        "d_model": 48,
        "d_ff": 32,
        "d_kv": 8,
        "num_layers": 2,
        "num_heads": 2,
    }
    network = build_network(replace(checkpoint.config, encoder_config=t5))
    shared = [n for n, t in published_state(network).items() if len(t) == t5["vocab_size"]]
    assert len(shared) == 2
    made = Checkpoint(
        replace(checkpoint.config, encoder_config=t5), network.eval(), checkpoint.prompts
    )
    made.to_disk(tmp_path)
    assert len(set(shared) & set(load_file(tmp_path / SAFE))) == 1
    again = Checkpoint.from_disk(tmp_path)
    assert torch.equal(score(again, ROWS), score(made, ROWS))
    assert again.longest_row == 512


@pytest.mark.parametrize(
    "change, code",
    [
        ({"hidden_size": "large"}, r"\[G111\].*'hidden_size'.*'large'.*a whole number"),
        ({"subtoken_pooling": "middle"}, r"\[G111\].*'subtoken_pooling'.*first, last, mean, max"),
        ({"embed_ent_token": "no"}, r"\[G111\].*'embed_ent_token'"),
        ({"labels_decoder": "gpt2"}, r"\[G112\].*'labels_decoder'"),
        ({"relations_layer": "biaffine"}, r"\[G112\].*'relations_layer'"),
        ({"represent_spans": True}, r"\[G112\].*'represent_spans'"),
        ({"labels_encoder": "x", "post_fusion_schema": "l2l"}, r"\[G112\].*fusion"),
        ({"num_rnn_layers": 2}, r"\[G112\].*'num_rnn_layers'"),
        ({"encoder_config": {"model_type": "abacus"}}, r"\[G116\].*'abacus'"),
        ({"model_name": None, "encoder_config": None}, r"\[G102\].*model_name"),
    ],
)
def test_settings_that_cannot_work_are_named(folder, change, code):
    settings = {**srsly.read_json(folder / CONFIG), **change}
    srsly.write_json(folder / CONFIG, {k: v for k, v in settings.items() if v is not None})
    with pytest.raises(ValueError, match=code):
        Checkpoint.from_disk(folder)


@pytest.mark.parametrize("content", ["", "{", "[]", "3"])
def test_settings_that_cannot_be_read_are_refused(folder, content):
    (folder / CONFIG).write_text(content)
    with pytest.raises(ValueError, match=r"\[G103\].*gliner_config.json"):
        Checkpoint.from_disk(folder)


def test_a_fusion_that_nobody_uses_does_no_harm(checkpoint, folder):
    settings = {**srsly.read_json(folder / CONFIG), "post_fusion_schema": "l2l-l2t"}
    srsly.write_json(folder / CONFIG, settings)
    assert torch.equal(score(Checkpoint.from_disk(folder), ROWS), score(checkpoint, ROWS))
