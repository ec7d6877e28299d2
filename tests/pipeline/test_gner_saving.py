"""A saved pipeline is whole: model, settings, instruction."""

import json

import pytest
import spacy
import torch
from thinc.api import Config

from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.gner.instruction import Instruction, instructions
from spacy_gliner.pipeline.gner import GNER

from ..gner import models
from ..tiny import LABELS, SENTENCES

EAGER = -3.0
LABELLED = {"PER": "person", "GPE": "city: or village"}


def scored(nlp) -> list[list[tuple]]:
    return [
        [(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents]
        for doc in nlp.pipe(SENTENCES)
    ]


@pytest.fixture(scope="module", params=["T5", "LLaMA"])
def nlp(request, make_gner):
    return make_gner(request.param, labels=LABELLED, outside_bias=EAGER, window=300, draft=2)


@pytest.fixture(scope="module")
def expected(nlp):
    found = scored(nlp)
    assert any(found)
    return found


def test_a_saved_pipeline_finds_the_same_without_its_source(nlp, expected, tmp_path, monkeypatch):
    nlp.to_disk(tmp_path)
    monkeypatch.setattr("spacy_gliner.gliner.hub.checkpoint_folder", pytest.fail)
    again = spacy.load(tmp_path)
    component = again.get_pipe("gner")
    assert (component.label_data, component.window, component.draft) == (LABELLED, 300, 2)
    assert scored(again) == expected


def test_the_model_in_a_pipeline_is_a_checkpoint_folder(nlp, expected, tmp_path, make_gner):
    nlp.to_disk(tmp_path)
    model = {"@architectures": "spacy_gliner.GNER.v1", "name": str(tmp_path / "gner" / "model")}
    assert scored(make_gner(model=model, labels=LABELLED, outside_bias=EAGER)) == expected


def test_bytes_keep_everything(nlp, expected, make_gner):
    other = make_gner("T5", labels=[], outside_bias=EAGER)
    other.from_bytes(nlp.to_bytes())
    assert other.get_pipe("gner").label_data == LABELLED
    assert scored(other) == expected


def test_a_model_can_be_left_out(nlp, tmp_path):
    nlp.to_disk(tmp_path, exclude=["model"])
    component = nlp.get_pipe("gner")
    component.to_disk(tmp_path / "alone", exclude=["model"])
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["cfg"]
    assert json.loads((tmp_path / "alone" / "cfg").read_text())["labels"] == LABELLED


def test_the_config_survives_writing(nlp):
    again = Config().from_str(nlp.config.to_str())
    pipe = spacy.util.load_model_from_config(again).get_pipe("gner")
    assert isinstance(pipe, GNER)
    assert pipe.label_data == LABELLED


def test_processes_find_the_same(nlp, expected):
    torch.set_num_threads(1)
    docs = nlp.pipe(SENTENCES, n_process=2, batch_size=2)
    found = [[(e.start, e.end, e.label_) for e in doc.ents] for doc in docs]
    assert found == [[ent[:3] for ent in doc] for doc in expected]


@pytest.fixture
def question():
    """An instruction of a plugin."""
    instruction = Instruction("Which of {labels}? {sentence}")
    instructions.register("test-question", func=instruction)
    return instruction


def test_the_instruction_is_saved_with_the_model(gner_folders, question, tmp_path):
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy_gliner.GNER.v1",
        "name": str(gner_folders["T5"]),
        "instruction": "test-question",
    }
    nlp.add_pipe("gner", config={"model": model, "labels": LABELS})
    nlp.to_disk(tmp_path)
    saved = GNERCheckpoint.from_disk(tmp_path / "gner" / "model")
    assert saved.config.instruction == question.template
    # A pipeline needs no plugin to be read again.
    config = Config().from_disk(tmp_path / "config.cfg")
    assert config["components"]["gner"]["model"]["instruction"] == "test-question"
    again = spacy.load(tmp_path)
    assert again.get_pipe("gner").model.shims[0].checkpoint.config == saved.config


def test_an_unknown_instruction_is_refused(gner_folders):
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy_gliner.NewGNER.v1",
        "base": str(gner_folders["T5"]),
        "instruction": "poem",
    }
    nlp.add_pipe("gner", config={"model": model, "labels": LABELS})
    with pytest.raises(ValueError, match=r"\[G515\].*'poem'.*GNER-T5"):
        nlp(SENTENCES[0])


def test_tied_weights_are_saved_once(tmp_path):
    models.write_t5(tmp_path / "base", tie_word_embeddings=True)
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.NewGNER.v1", "base": str(tmp_path / "base")}
    nlp.add_pipe("gner", config={"model": model, "labels": LABELS, "outside_bias": EAGER})
    nlp.to_disk(tmp_path / "pipeline")
    again = spacy.load(tmp_path / "pipeline")
    network = again.get_pipe("gner").model.shims[0].checkpoint.network
    assert network.shared.weight is network.lm_head.weight
    assert scored(again) == scored(nlp)
