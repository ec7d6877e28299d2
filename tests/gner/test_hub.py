"""Generative models by hub id, and folders as others write them."""

import pickle

import pytest
import torch
from huggingface_hub import constants
from transformers import T5ForConditionalGeneration

from spacy_gliner.architectures import build_gner, build_new_gner
from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.gner.instruction import instructions

NAME = "somebody/GNER-T5-tiny"
COMMIT = "a" * 40


@pytest.fixture
def cached(gner_folders, tmp_path, monkeypatch):
    """A hub cache with a published folder: transformers' files, and none of ours."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / f"models--{NAME.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    folder = repository / "snapshots" / COMMIT
    folder.mkdir(parents=True)
    for file in gner_folders["T5"].iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def checkpoint(model) -> GNERCheckpoint:
    return model.shims[0].checkpoint


def test_a_hub_id_in_the_cache_needs_no_network(cached):
    made = checkpoint(build_gner(NAME))
    assert made.config.instruction == instructions.get("GNER-T5").template
    assert (made.config.boundaries, made.config.context) == ("bio", "full")
    base = checkpoint(build_new_gner(NAME, boundaries="plain", context=2))
    assert (base.config.boundaries, base.config.context) == ("plain", 2)
    for one, other in zip(made.network.parameters(), base.network.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("build, setting", [(build_gner, "'name'"), (build_new_gner, "'base'")])
@pytest.mark.parametrize("name", ["nobody/has-this", "no-such-folder"])
def test_a_name_that_cannot_be_had_is_given_with_its_setting(cached, build, setting, name):
    with pytest.raises(ValueError, match=rf"\[G110\].*{setting} of \[comp.*'{name}'"):
        checkpoint(build(name))


def test_weights_in_several_files_are_read(gner_folders, tmp_path):
    whole = GNERCheckpoint.from_disk(gner_folders["T5"])
    whole.to_disk(tmp_path, max_shard_size="20KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    made = checkpoint(build_gner(str(tmp_path)))
    for one, other in zip(made.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(one, other)


def test_pickled_tensors_are_read(gner_folders, tmp_path):
    whole = GNERCheckpoint.from_disk(gner_folders["T5"])
    whole.to_disk(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(whole.network.state_dict(), tmp_path / "pytorch_model.bin")
    made = checkpoint(build_gner(str(tmp_path)))
    assert isinstance(made.network, T5ForConditionalGeneration)
    assert torch.equal(made.network.shared.weight, whole.network.shared.weight)


class Trap:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (self.path, "w"))


def test_pickled_code_is_not_run(gner_folders, tmp_path):
    folder = tmp_path / "model"
    GNERCheckpoint.from_disk(gner_folders["T5"]).to_disk(folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(str(tmp_path / "ran"))))
    with pytest.raises(ValueError, match=r"\[G51"):
        checkpoint(build_gner(str(folder)))
    assert not (tmp_path / "ran").exists()
    torch.save({"shared.weight": Trap(str(tmp_path / "ran"))}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"\[G51"):
        checkpoint(build_gner(str(folder)))
    assert not (tmp_path / "ran").exists()
