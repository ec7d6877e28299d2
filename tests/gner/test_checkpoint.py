import copy
import pickle
import shutil
import socket
from pathlib import Path

import huggingface_hub.constants
import pytest
import srsly
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file
from transformers import BartConfig, BartForConditionalGeneration

from spacy_gliner.gner.checkpoint import GNERCheckpoint, new_checkpoint
from spacy_gliner.gner.config import CONFIG_FILE
from spacy_gliner.gner.instruction import Instruction, instructions

from . import models

WEIGHTS = "model.safetensors"
WORDS, LABELS = ["Berta", "wrote"], ["person", "city"]


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory):
    return models.write_t5(tmp_path_factory.mktemp("t5"))


@pytest.fixture(scope="module")
def llama_folder(tmp_path_factory):
    return models.write_llama(tmp_path_factory.mktemp("llama"))


@pytest.fixture
def folder(t5_folder, tmp_path):
    """A T5 that a test may damage."""
    return shutil.copytree(t5_folder, tmp_path / "model")


@pytest.fixture(params=["t5", "llama"])
def checkpoint(request):
    return GNERCheckpoint.from_disk(request.getfixturevalue(f"{request.param}_folder"))


@torch.inference_mode()
def logits(checkpoint: GNERCheckpoint, precision: str = "float32") -> torch.Tensor:
    ids = torch.tensor([[5, 6, 7]])
    decoder = {"decoder_input_ids": ids} if checkpoint.is_encoder_decoder else {}
    return checkpoint.running(precision)(input_ids=ids, **decoder).logits


def weight_names(folder: Path) -> list[str]:
    names = []
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as weights:
            names += weights.keys()
    return names


def assert_same(one: GNERCheckpoint, other: GNERCheckpoint) -> None:
    assert one.config == other.config
    assert torch.equal(logits(one), logits(other))
    assert one.prompts([(WORDS, LABELS)]) == other.prompts([(WORDS, LABELS)])


# Saving and loading


def test_a_folder_keeps_the_model(checkpoint, tmp_path):
    checkpoint.to_disk(tmp_path / "again")
    again = GNERCheckpoint.from_disk(tmp_path / "again")
    assert_same(checkpoint, again)
    assert not again.network.training


def test_bytes_keep_the_model(checkpoint):
    files = checkpoint.to_files()
    assert {WEIGHTS, "config.json", "tokenizer.json", CONFIG_FILE} <= files.keys()
    assert_same(checkpoint, GNERCheckpoint.from_files(files))


def test_settings_are_kept(t5_folder):
    made = new_checkpoint(t5_folder, instruction="GNER-LLaMA", boundaries="plain", context=2)
    again = GNERCheckpoint.from_files(made.to_files()).config
    assert again == made.config
    template = instructions.get("GNER-LLaMA").template
    assert (again.instruction, again.boundaries, again.context) == (template, "plain", 2)


def test_large_models_have_several_files_of_weights(checkpoint, tmp_path):
    checkpoint.to_disk(tmp_path, max_shard_size="20KB")
    parts = list(tmp_path.glob("model-*.safetensors"))
    assert len(parts) > 2 and not (tmp_path / WEIGHTS).exists()
    assert_same(checkpoint, GNERCheckpoint.from_disk(tmp_path))
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert_same(checkpoint, GNERCheckpoint.from_files(files))


@pytest.mark.parametrize("max_shard_size", ["2GB", "20KB"])
def test_weights_that_are_shared_are_written_once(t5_folder, tmp_path, max_shard_size):
    GNERCheckpoint.from_disk(t5_folder).to_disk(tmp_path, max_shard_size=max_shard_size)
    names = weight_names(tmp_path)
    assert len(names) == len(set(names))
    assert {"shared.weight", "lm_head.weight"} & set(names) == {"shared.weight"}
    network = GNERCheckpoint.from_disk(tmp_path).network
    assert network.lm_head.weight is network.shared.weight


def test_weights_that_are_not_shared_are_written_both(tmp_path):
    folder = models.write_t5(tmp_path / "base", tie_word_embeddings=False)
    checkpoint = GNERCheckpoint.from_disk(folder)
    with torch.no_grad():
        checkpoint.network.lm_head.weight.fill_(0.5)
    again = GNERCheckpoint.from_files(checkpoint.to_files()).network
    assert torch.all(again.lm_head.weight == 0.5)
    assert not torch.all(again.shared.weight == 0.5)


def test_float16_becomes_float32(folder):
    whole = GNERCheckpoint.from_disk(folder)
    whole.network.half().save_pretrained(folder)
    assert {weight.dtype for weight in load_file(folder / WEIGHTS).values()} == {torch.float16}
    again = GNERCheckpoint.from_disk(folder)
    assert {weight.dtype for weight in again.network.parameters()} == {torch.float32}
    weight = GNERCheckpoint.from_files(again.to_files()).network.shared.weight
    assert weight.dtype == torch.float32
    assert torch.equal(weight, whole.network.shared.weight.float())


# Instructions


def test_a_published_folder_has_the_instruction_of_its_kind(t5_folder, llama_folder):
    for folder, name in ((t5_folder, "GNER-T5"), (llama_folder, "GNER-LLaMA")):
        template = instructions.get(name).template
        assert GNERCheckpoint.from_disk(folder).config.instruction == template
        assert new_checkpoint(folder).config.instruction == template


def test_an_instruction_can_be_chosen_by_name(t5_folder, tmp_path):
    own = Instruction("{labels}: {sentence}")
    instructions.register("tests-own", func=own)
    new_checkpoint(t5_folder, instruction="tests-own", context=3).to_disk(tmp_path)
    kept = GNERCheckpoint.from_disk(tmp_path)
    assert kept.config.instruction == own.template
    (prompt,) = kept.prompts([(WORDS, LABELS)])
    assert kept.decode([prompt]) == ["person, city: Berta wrote"]
    other = GNERCheckpoint.from_disk(tmp_path, instruction="GNER-T5").config
    assert other.instruction == instructions.get("GNER-T5").template
    assert other.context == 3


@pytest.mark.parametrize("read", [GNERCheckpoint.from_disk, new_checkpoint])
def test_unknown_instructions(t5_folder, read):
    with pytest.raises(ValueError, match=r"\[G515\].*'GNER-T6'.*'GNER-LLaMA'.*'GNER-T5'"):
        read(t5_folder, instruction="GNER-T6")


def test_prompts_begin_and_end_as_the_tokenizer_says(checkpoint):
    words = ["New York", "x"]
    prompts = checkpoint.prompts([(words, ["city"]), (["y"], ["person", "city"])])
    name = "GNER-T5" if checkpoint.is_encoder_decoder else "GNER-LLaMA"
    text = instructions.get(name).write(["NewYork", "x"], ["city"])
    ids = checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert prompts[0] == ([*ids, 1] if checkpoint.is_encoder_decoder else [0, *ids])
    assert len(prompts) == 2


def test_a_decoders_prompt_does_not_end(llama_folder, tmp_path):
    """Some tokenizers end each text, but the target goes on behind the prompt."""
    folder = shutil.copytree(llama_folder, tmp_path / "ended")
    settings = srsly.read_json(folder / "tokenizer.json")
    settings["post_processor"]["single"].append({"SpecialToken": {"id": "</s>", "type_id": 0}})
    settings["post_processor"]["special_tokens"]["</s>"] = {
        "id": "</s>",
        "ids": [1],
        "tokens": ["</s>"],
    }
    srsly.write_json(folder / "tokenizer.json", settings)
    ended, plain = GNERCheckpoint.from_disk(folder), GNERCheckpoint.from_disk(llama_folder)
    assert ended.tokenizer("x")["input_ids"][-1] == 1
    assert ended.prompts([(WORDS, LABELS)]) == plain.prompts([(WORDS, LABELS)])


# What is refused


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("boundaries", "BIO"),
        ("context", -1),
        ("context", "half"),
        ("context", True),
        ("context", 1.5),
        ("instruction", 3),
    ],
)
def test_settings_that_cannot_be(folder, name, value):
    srsly.write_json(folder / CONFIG_FILE, {name: value})
    with pytest.raises(ValueError, match=rf"\[G511\].*'{name}' is {value!r}"):
        GNERCheckpoint.from_disk(folder)


@pytest.mark.parametrize(
    ("settings", "message"),
    [("{", "G103"), ("[]", "G103"), ('{"colour": 1, "context": 2}', "G519.*\\['colour'\\]")],
)
def test_damaged_settings(folder, settings, message):
    (folder / CONFIG_FILE).write_text(settings)
    with pytest.raises(ValueError, match=rf"\[{message[:4]}\].*gner_config.json.*{message[4:]}"):
        GNERCheckpoint.from_disk(folder)


def test_a_template_without_a_field(folder):
    srsly.write_json(folder / CONFIG_FILE, {"instruction": "Read {sentence}"})
    with pytest.raises(ValueError, match=r"\[G504\].*\{labels\}"):
        GNERCheckpoint.from_disk(folder)


@pytest.mark.parametrize("name", ["config.json", WEIGHTS, "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b'{"a":', b"[]"], ids=["missing", "empty", *"{["])
def test_missing_and_damaged_files(folder, name, content):
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"\[G512\].*model'.*\[components.gner.model\]"):
        GNERCheckpoint.from_disk(folder)


def test_weights_that_are_cut_short(folder):
    (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"\[G512\]"):
        new_checkpoint(folder)


def test_weights_of_another_shape(folder):
    settings = srsly.read_json(folder / "config.json")
    srsly.write_json(folder / "config.json", {**settings, "d_ff": 60})
    with pytest.raises(ValueError, match=r"(?s)\[G512\].*64.*60"):
        GNERCheckpoint.from_disk(folder)


def test_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"\[G512\].*nowhere"):
        GNERCheckpoint.from_disk(tmp_path / "nowhere")


def test_weights_that_lack(folder):
    network = GNERCheckpoint.from_disk(folder).network
    state = network.state_dict()
    del state["decoder.final_layer_norm.weight"]
    network.save_pretrained(folder, state_dict=state)
    with pytest.raises(ValueError, match=r"\[G513\].*\['decoder.final_layer_norm.weight'\]"):
        GNERCheckpoint.from_disk(folder)


def test_other_encoder_decoders(folder):
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    layers = {"encoder_layers": 1, "decoder_layers": 1}
    network = BartForConditionalGeneration(BartConfig(99, d_model=16, **heads, **layers))
    network.save_pretrained(folder)
    with pytest.raises(ValueError, match=r"\[G514\].*'bart'"):
        GNERCheckpoint.from_disk(folder)


def test_a_tokenizer_without_an_end(folder):
    settings = srsly.read_json(folder / "tokenizer_config.json")
    del settings["eos_token"]
    srsly.write_json(folder / "tokenizer_config.json", settings)
    (folder / "special_tokens_map.json").unlink()
    with pytest.raises(ValueError, match=r"\[G518\].*'eos_token'"):
        GNERCheckpoint.from_disk(folder)


class Trap:
    """Runs code where it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("trapped"),)


def test_pickled_weights_run_no_code(folder, monkeypatch):
    monkeypatch.chdir(folder)
    state = {name: weight.clone() for name, weight in load_file(WEIGHTS).items()}
    Path(WEIGHTS).unlink()
    torch.save(state, "pytorch_model.bin")
    assert torch.equal(
        GNERCheckpoint.from_disk(folder).network.shared.weight, state["shared.weight"]
    )
    torch.save({**state, "extra": Trap()}, "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"\[G512\]"):
        GNERCheckpoint.from_disk(folder)
    assert not Path("trapped").exists()
    torch.load("pytorch_model.bin", weights_only=False)
    assert Path("trapped").exists()


def test_code_of_a_folder_is_not_run(folder):
    settings = srsly.read_json(folder / "config.json")
    code = {"AutoConfig": "own.Config", "AutoModelForSeq2SeqLM": "own.Model"}
    srsly.write_json(folder / "config.json", {**settings, "model_type": "own", "auto_map": code})
    (folder / "own.py").write_text("raise SystemExit('run')")
    with pytest.raises(ValueError, match=r"\[G512\]"):
        GNERCheckpoint.from_disk(folder)


@pytest.mark.parametrize("name", ["somebody/gner", "t5-small"])
def test_no_network(t5_folder, name, monkeypatch):
    tried = []

    def refuse(*address, **settings):
        tried.append(address)
        raise OSError("refused")

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(transformers.utils.hub, "_is_offline_mode", False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    GNERCheckpoint.from_disk(t5_folder)
    with pytest.raises(ValueError, match=r"\[G512\]"):
        GNERCheckpoint.from_disk(name)
    assert not tried


# Copies of other precisions


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_a_copy_is_made_once_and_again_after_the_weights_changed(t5_folder, precision):
    checkpoint = GNERCheckpoint.from_disk(t5_folder)
    exact, copy = logits(checkpoint), checkpoint.running(precision)
    assert copy is not checkpoint.network and checkpoint.running(precision) is copy
    rough = logits(checkpoint, precision)
    assert not torch.equal(rough.float(), exact)
    torch.testing.assert_close(rough.float(), exact, rtol=0.1, atol=0.1 * exact.abs().max().item())
    with torch.no_grad():
        checkpoint.network.decoder.final_layer_norm.weight.mul_(3)
    assert checkpoint.running(precision) is not copy
    torch.testing.assert_close(logits(checkpoint, precision), 3 * rough, rtol=0.02, atol=0.02)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_copies_leave_the_network_as_it_was(checkpoint, precision):
    before = logits(checkpoint)
    logits(checkpoint, precision)
    assert torch.equal(logits(checkpoint), before)
    assert {weight.dtype for weight in checkpoint.network.parameters()} == {torch.float32}


def test_the_precision_is_what_is_asked_for_whatever_the_weights_were_saved_in(folder):
    GNERCheckpoint.from_disk(folder).network.bfloat16().save_pretrained(folder)
    checkpoint = GNERCheckpoint.from_disk(folder)
    exact, rough, half = (logits(checkpoint, p) for p in ("float32", "int8", "bfloat16"))
    assert (exact.dtype, half.dtype) == (torch.float32, torch.bfloat16)
    close = {"rtol": 0.1, "atol": 0.1 * exact.abs().max().item()}
    torch.testing.assert_close(rough.float(), exact, **close)
    torch.testing.assert_close(half.float(), exact, **close)


def test_int8_needs_onednn(folder, monkeypatch):
    monkeypatch.setattr("spacy_gliner.gner.checkpoint.has_onednn", lambda: False)
    checkpoint = GNERCheckpoint.from_disk(folder)
    with pytest.raises(ValueError, match="G523"):
        checkpoint.running("int8")
    assert checkpoint.running("float32") is checkpoint.network
    assert checkpoint.running("bfloat16").dtype == torch.bfloat16


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "int8"])
def test_a_checkpoint_that_was_used_can_be_sent_to_other_processes(folder, precision):
    checkpoint = GNERCheckpoint.from_disk(folder)
    expected = logits(checkpoint, precision)
    sent = pickle.loads(pickle.dumps(checkpoint))
    assert torch.equal(logits(sent, precision), expected)
    assert torch.equal(logits(copy.deepcopy(checkpoint), precision), expected)
