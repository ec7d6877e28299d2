"""Tiny models for all tests: one with random weights, and one that knows `tiny.SENTENCES`."""

import os
import random

os.environ["HF_HUB_OFFLINE"] = "1"

import pytest
import spacy
import torch
from hypothesis import HealthCheck, settings
from spacy.language import Language

from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.new import new_checkpoint
from spacy_gliner.pipeline import gner

from . import tiny
from .gner import models
from .gner.reader import Reader

torch.set_num_threads(1)
# A busy machine is slow, which is no error; in CI the cases are the same every time.
settings.register_profile(
    "project",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
settings.load_profile("project")


@pytest.fixture(scope="session")
def encoder_folder(tmp_path_factory):
    return tiny.write_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def checkpoint(encoder_folder) -> Checkpoint:
    """Random weights. Tests that change them must make their own."""
    torch.manual_seed(0)
    return new_checkpoint(str(encoder_folder), hidden_size=None, max_width=tiny.MAX_WIDTH)


@pytest.fixture(scope="session")
def random_folder(checkpoint, tmp_path_factory):
    """A checkpoint folder with random weights."""
    folder = tmp_path_factory.mktemp("random")
    checkpoint.to_disk(folder)
    return folder


@pytest.fixture(scope="session")
def learning(random_folder):
    """A trained pipeline, and its losses."""
    random.seed(0)
    torch.manual_seed(0)
    nlp = make_pipeline(random_folder, labels=tiny.LABELS, training=tiny.TRAINING)
    return nlp, tiny.learn(nlp, steps=220)


@pytest.fixture(scope="session")
def learned_folder(learning, tmp_path_factory):
    """A checkpoint folder whose model finds the mentions in `tiny.SENTENCES`."""
    nlp, _ = learning
    folder = tmp_path_factory.mktemp("learned")
    nlp.get_pipe("gliner").to_disk(folder)
    return folder / "model"


@pytest.fixture(scope="session")
def make_random(random_folder):
    """Makes pipelines with random weights, by the component's settings."""
    return lambda **config: make_pipeline(random_folder, **config)


@pytest.fixture(scope="session")
def make_learned(learned_folder):
    """Makes pipelines that find what is in `tiny.SENTENCES`, by the component's settings."""
    return lambda **config: make_pipeline(learned_folder, **{"labels": tiny.LABELS, **config})


def make_pipeline(folder, **config) -> Language:
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(folder)}
    nlp.add_pipe("gliner", config={"model": model, "threshold": 0.5, **config})
    return nlp


@pytest.fixture(scope="session")
def gner_folders(tmp_path_factory):
    """Folders of models with random weights."""
    return {
        "T5": models.write_t5(tmp_path_factory.mktemp("t5")),
        "LLaMA": models.write_llama(tmp_path_factory.mktemp("llama")),
    }


@pytest.fixture(scope="session")
def make_gner(gner_folders):
    """Makes pipelines with random weights, by the kind of model and the component's settings."""

    def make(kind: str = "T5", **config) -> Language:
        nlp = spacy.blank("en")
        model = {"@architectures": "spacy_gliner.GNER.v1", "name": str(gner_folders[kind])}
        nlp.add_pipe("gner", config={"model": model, "labels": tiny.LABELS, **config})
        return nlp

    return make


@pytest.fixture
def reader(monkeypatch) -> Reader:
    """Takes the model's place in all gner components."""
    reader = Reader()
    monkeypatch.setattr(gner, "annotate", reader)
    return reader


@pytest.fixture
def two_threads():
    """Lets torch have two threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
