from dataclasses import replace

import pytest
import srsly
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BertConfig, BertModel, BertTokenizer

from spacy_gliner.architectures import build_new_gliner
from spacy_gliner.gliner.build import build_network
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.config import GLiNERConfig
from spacy_gliner.gliner.new import new_checkpoint
from spacy_gliner.gliner.weights import load_state
from spacy_gliner.shim import shim_of

from ..tiny import LABELS, MAX_WIDTH, SENTENCES

WEIGHTS, CONFIG = "model.safetensors", "gliner_config.json"
H, E = 48, 48  # the width of word vectors, and of the encoder


@torch.inference_mode()
def score(checkpoint: Checkpoint) -> torch.Tensor:
    words = checkpoint.prompts.units([sentence.split() for sentence in SENTENCES])
    (types,) = checkpoint.prompts.units([LABELS])
    return checkpoint.network(checkpoint.prompts.batch([(types, row) for row in words]))


@pytest.fixture
def folder(checkpoint, tmp_path):
    """A checkpoint folder that a test may damage."""
    checkpoint.to_disk(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def test_a_folder_keeps_the_model(checkpoint, random_folder):
    again = Checkpoint.from_disk(random_folder)
    assert torch.equal(score(again), score(checkpoint))
    # JSON has no numbers as keys, which the encoder's configuration has.
    assert replace(again.config, encoder_config={}) == replace(checkpoint.config, encoder_config={})
    assert not again.network.training


def test_bytes_keep_the_model(checkpoint):
    files = checkpoint.to_files()
    assert {WEIGHTS, CONFIG, "tokenizer.json"} <= files.keys()
    assert torch.equal(score(Checkpoint.from_files(files)), score(checkpoint))


def test_float16_halves_the_folder(checkpoint, random_folder, tmp_path):
    checkpoint.to_disk(tmp_path, dtype=torch.float16)
    ratio = (tmp_path / WEIGHTS).stat().st_size / (random_folder / WEIGHTS).stat().st_size
    assert 0.5 <= ratio < 0.55
    again = Checkpoint.from_disk(tmp_path)
    assert all(weight.dtype == torch.float32 for weight in again.network.parameters())
    torch.testing.assert_close(score(again), score(checkpoint), atol=0.05, rtol=0.02)


def test_weights_have_the_names_and_shapes_of_published_checkpoints(random_folder):
    shapes = {
        name: tuple(weight.shape) for name, weight in load_file(random_folder / WEIGHTS).items()
    }
    encoder = "token_rep_layer.bert_layer.model."
    head = {name: shape for name, shape in shapes.items() if not name.startswith(encoder)}
    span = "span_rep_layer.span_rep_layer."
    expected = (
        {f"rnn.lstm.weight_ih_l0{side}": (2 * H, H) for side in ("", "_reverse")}
        | {f"rnn.lstm.weight_hh_l0{side}": (2 * H, H // 2) for side in ("", "_reverse")}
        | {
            f"rnn.lstm.bias_{end}_l0{side}": (2 * H,)
            for end in ("ih", "hh")
            for side in ("", "_reverse")
        }
    )
    for name, width in {
        f"{span}project_start": H,
        f"{span}project_end": H,
        f"{span}out_project": 2 * H,
        "prompt_rep_layer": H,
    }.items():
        expected |= {f"{name}.0.weight": (4 * H, width), f"{name}.0.bias": (4 * H,)}
        expected |= {f"{name}.3.weight": (H, 4 * H), f"{name}.3.bias": (H,)}
    assert head == expected
    assert f"{encoder}embeddings.word_embeddings.weight" in shapes
    assert f"{encoder}encoder.layer.1.attention.self.query.weight" in shapes


def test_another_hidden_size_takes_a_projection(encoder_folder, tmp_path):
    made = new_checkpoint(str(encoder_folder), hidden_size=20, max_width=3)
    made.to_disk(tmp_path)
    weights = load_file(tmp_path / WEIGHTS)
    assert weights["token_rep_layer.projection.weight"].shape == (20, E)
    assert weights["rnn.lstm.weight_ih_l0"].shape == (40, 20)
    again = Checkpoint.from_disk(tmp_path)
    assert torch.equal(score(again), score(made))
    assert score(again).shape[2] == 3


def test_a_new_checkpoint_is_described(checkpoint, encoder_folder):
    config, tokenizer = checkpoint.config, checkpoint.prompts.tokenizer
    assert config.model_name == str(encoder_folder)
    assert (config.max_width, config.hidden_size, config.max_len) == (MAX_WIDTH, H, 384)
    assert checkpoint.longest_row == 512
    assert config.vocab_size == len(tokenizer) == config.encoder_config["vocab_size"]
    assert config.class_token_index == tokenizer.convert_tokens_to_ids("<<ENT>>")
    assert config.encoder_config["hidden_dropout_prob"] == 0.0
    assert config.encoder_config["attention_probs_dropout_prob"] == 0.0


def test_an_encoder_inside_a_package_is_recorded_by_that_name(encoder_folder, monkeypatch):
    monkeypatch.syspath_prepend(encoder_folder.parent)
    name = f"package:{encoder_folder.name}/"
    model = build_new_gliner(name)
    assert shim_of(model).checkpoint.config.model_name == name


def test_the_longest_row_can_be_read_with_its_padding(checkpoint, tmp_path):
    """Rows so long are padded to a multiple of 4 pieces, and 99 is none."""
    settings = BertConfig(**{**checkpoint.config.encoder_config, "max_position_embeddings": 99})
    BertModel(settings).save_pretrained(tmp_path)
    checkpoint.prompts.tokenizer.save_pretrained(tmp_path)
    made = new_checkpoint(str(tmp_path), hidden_size=None, max_width=4)
    assert made.longest_row == 96
    types, words = made.prompts.units([["city"], ["a"] * 91])
    assert made.prompts.size(types, words) == 96
    assert made.network(made.prompts.batch([(types, words)])).shape[0] == 1


def test_the_markers_begin_as_copies_of_mask_and_separator(checkpoint):
    tokenizer = checkpoint.prompts.tokenizer
    rows = checkpoint.network.encoder.transformer.get_input_embeddings().weight
    ent, sep = tokenizer.convert_tokens_to_ids(["<<ENT>>", "<<SEP>>"])
    assert torch.equal(rows[ent], rows[tokenizer.mask_token_id])
    assert torch.equal(rows[sep], rows[tokenizer.sep_token_id])


def test_a_config_is_what_it_was_after_writing(tmp_path):
    config = GLiNERConfig(
        model_name="x",
        encoder_config={"model_type": "bert", "layer_norm_eps": 1e-12},
        hidden_size=7,
        max_width=3,
        max_len=99,
    )
    config.to_disk(tmp_path)
    assert GLiNERConfig.from_disk(tmp_path) == config


def test_a_published_config_may_have_other_keys_and_lack_some(tmp_path):
    known = {"model_name": "x", "encoder_config": {}, "hidden_size": 7}
    srsly.write_json(tmp_path / CONFIG, {**known, "random_drop": True, "lr_encoder": "1e-5"})
    assert GLiNERConfig.from_disk(tmp_path) == GLiNERConfig(**known)


@pytest.mark.parametrize("file", [CONFIG, WEIGHTS])
def test_a_missing_file_is_named(folder, file):
    (folder / file).unlink()
    with pytest.raises(ValueError, match=r"\[G101\]") as error:
        Checkpoint.from_disk(folder)
    assert file in str(error.value) and str(folder) in str(error.value)


def test_a_config_without_a_needed_key_is_refused(folder):
    settings = srsly.read_json(folder / CONFIG)
    del settings["model_name"]
    srsly.write_json(folder / CONFIG, settings)
    with pytest.raises(ValueError, match=r"\[G102\].*model_name"):
        Checkpoint.from_disk(folder)


@pytest.mark.parametrize("size", [0, 5, 1000, -1])
def test_weights_cut_short_are_refused(folder, size):
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:size])
    with pytest.raises(ValueError, match=r"\[G103\]") as error:
        Checkpoint.from_disk(folder)
    assert str(folder / WEIGHTS) in str(error.value)


def test_an_unknown_span_mode_is_refused(checkpoint, folder):
    replace(checkpoint.config, span_mode="conv_share").to_disk(folder)
    with pytest.raises(ValueError, match=r"\[G104\].*'conv_share'.*markerV0"):
        Checkpoint.from_disk(folder)


def test_weights_that_do_not_fit_are_listed(folder):
    weights = load_file(folder / WEIGHTS)
    weights["rnn.lstm.bias_ih_l0"] = torch.zeros(3)
    weights["mine"] = weights.pop("prompt_rep_layer.0.bias")
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(ValueError, match=r"\[G105\]") as error:
        Checkpoint.from_disk(folder)
    message = str(error.value)
    assert "Missing: ['prompt_rep_layer.0.bias']" in message
    assert "Unexpected: ['mine']" in message
    assert f"rnn.lstm.bias_ih_l0: (3,) instead of ({2 * H},)" in message


def test_one_weight_too_many_is_enough_to_refuse(folder):
    weights = load_file(folder / WEIGHTS)
    save_file({**weights, "mine": torch.zeros(1)}, folder / WEIGHTS)
    with pytest.raises(ValueError, match=r"\[G105\].*Unexpected: \['mine'\]"):
        Checkpoint.from_disk(folder)


def test_settings_of_another_size_do_not_fit_the_weights(checkpoint, folder):
    replace(checkpoint.config, hidden_size=20).to_disk(folder)
    with pytest.raises(ValueError, match=r"\[G105\].*token_rep_layer.projection"):
        Checkpoint.from_disk(folder)


def test_a_failed_load_changes_no_weight(checkpoint, folder):
    """All is compared before anything is written."""
    network = build_network(checkpoint.config)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    state = load_file(folder / WEIGHTS)
    del state["prompt_rep_layer.0.bias"]
    with pytest.raises(ValueError, match=r"\[G105\]"):
        load_state(network, state, path=folder)
    assert all(torch.equal(before[name], w) for name, w in network.state_dict().items())


def test_a_slow_tokenizer_is_refused(encoder_folder, tmp_path, monkeypatch):
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n[PAD]\n[MASK]\na\n")
    slow = BertTokenizer(tmp_path / "vocab.txt")
    monkeypatch.setattr(AutoTokenizer, "from_pretrained", lambda *_, **__: slow)
    with pytest.raises(ValueError, match=r"\[G106\]") as error:
        new_checkpoint(str(encoder_folder), hidden_size=None, max_width=4)
    assert str(encoder_folder) in str(error.value)


def test_files_cannot_be_written_outside_the_folder(checkpoint, tmp_path):
    """Names of files come from a pipeline's bytes, which may be anybody's."""
    for name in ("../outside", f"{tmp_path}/outside"):
        with pytest.raises(ValueError, match=r"\[G117\].*outside"):
            Checkpoint.from_files({name: b"", **checkpoint.to_files()})
    assert not list(tmp_path.iterdir())
