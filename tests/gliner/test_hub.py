"""Names of checkpoints: folders, and hub ids that are in the cache."""

import pytest
import torch
from huggingface_hub import constants

from spacy_gliner.architectures import build_gliner
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.hub import checkpoint_folder
from spacy_gliner.shim import shim_of

from .test_variants import ROWS
from .variants import score

NAME = "somebody/gliner_tiny-v1.0"
COMMITS = {"main": "a" * 40, "v2": "b" * 40}


@pytest.fixture
def cached(checkpoint, tmp_path, monkeypatch):
    """A hub cache, as huggingface_hub leaves it, with two revisions of a checkpoint."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / f"models--{NAME.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    for revision, commit in COMMITS.items():
        (repository / "refs" / revision).write_text(commit)
        checkpoint.to_disk(repository / "snapshots" / commit)
    return repository


def test_a_folder_is_itself(tmp_path):
    assert checkpoint_folder(str(tmp_path)) == tmp_path


def test_a_hub_id_in_the_cache_needs_no_network(cached, checkpoint):
    assert checkpoint_folder(NAME) == cached / "snapshots" / COMMITS["main"]
    assert checkpoint_folder(NAME, "v2") == cached / "snapshots" / COMMITS["v2"]
    made = shim_of(build_gliner(NAME, revision="v2")).checkpoint
    assert isinstance(made, Checkpoint)
    assert torch.equal(score(made, ROWS), score(checkpoint, ROWS))


@pytest.mark.parametrize("name", ["nobody/has-this", "no-such-folder", "../outside/of/it", ""])
def test_a_name_that_cannot_be_had_is_given_with_the_reason(cached, name):
    with pytest.raises(ValueError, match=r"\[G110\]") as error:
        checkpoint_folder(name or "/nowhere")
    assert (name or "/nowhere") in str(error.value)


def test_a_revision_that_cannot_be_had_is_refused(cached):
    with pytest.raises(ValueError, match=r"\[G110\]"):
        checkpoint_folder(NAME, "v3")
