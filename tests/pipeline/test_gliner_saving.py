"""Saved and copied pipelines find what the first one found, without a network or the encoder."""

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys

import pytest
import spacy
from spacy import displacy
from spacy.tokens import DocBin
from spacy.util import load_model_from_config

from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.shim import shim_of

from ..tiny import LABELS, SENTENCES, write_encoder

CONFIG = {"labels": {"WHO": "person", "WHERE": "city"}, "threshold": {"WHO": 0.4}}
OFFLINE = """
import json, socket, sys
import spacy

def refuse(*args, **kwargs):
    raise AssertionError("the network was asked for")

socket.socket.connect = socket.getaddrinfo = socket.create_connection = refuse
nlp = spacy.load(sys.argv[1])
doc = nlp(sys.argv[2])
print(json.dumps([[ent.text, ent.label_, ent._.score] for ent in doc.ents]))
"""


def entities(nlp) -> list[list]:
    docs = nlp.pipe(SENTENCES)
    return [[ent.text, ent.label_, ent._.score] for doc in docs for ent in doc.ents]


@pytest.fixture(scope="module")
def nlp(make_learned):
    return make_learned(**CONFIG)


@pytest.fixture(scope="module")
def expected(nlp) -> list[list]:
    found = entities(nlp)
    assert {label for _, label, _ in found} == {"WHO", "WHERE"}
    return found


def test_a_folder_keeps_everything(nlp, expected, tmp_path):
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    assert entities(again) == expected
    component = again.get_pipe("gliner")
    assert component.label_data == CONFIG["labels"]
    assert component.threshold == CONFIG["threshold"]


def test_the_model_in_a_pipeline_is_a_checkpoint_folder(nlp, expected, tmp_path, make_random):
    nlp.to_disk(tmp_path)
    other = make_random(**CONFIG)
    shim_of(other.get_pipe("gliner").model).checkpoint = Checkpoint.from_disk(
        tmp_path / "gliner" / "model"
    )
    assert entities(other) == expected


def test_bytes_keep_everything(nlp, expected):
    again = load_model_from_config(nlp.config).from_bytes(nlp.to_bytes())
    assert entities(again) == expected


def test_labels_set_after_creation_are_saved(make_learned, tmp_path):
    nlp = make_learned()
    component = nlp.get_pipe("gliner")
    component.labels = {"a: b = [c]": "city"}
    component.threshold = 0.35
    nlp.to_disk(tmp_path)
    for again in (
        spacy.load(tmp_path),
        load_model_from_config(nlp.config).from_bytes(nlp.to_bytes()),
    ):
        assert again.get_pipe("gliner").label_data == {"a: b = [c]": "city"}
        assert again.get_pipe("gliner").threshold == 0.35


def test_parts_can_be_left_out(nlp, tmp_path):
    component = nlp.get_pipe("gliner")
    component.to_disk(tmp_path, exclude=["model"])
    assert [path.name for path in tmp_path.iterdir()] == ["cfg"]
    assert len(component.to_bytes(exclude=["model"])) < 1000 < len(component.to_bytes())


def test_saving_again_gives_the_same_bytes(nlp):
    component = nlp.get_pipe("gliner")
    assert component.to_bytes() == component.to_bytes()


@pytest.mark.parametrize(
    "duplicate",
    [copy.deepcopy, lambda nlp: pickle.loads(pickle.dumps(nlp))],
    ids=["copy", "pickle"],
)
def test_copies_find_the_same(nlp, expected, duplicate):
    """spaCy pickles pipelines for other processes where there is no fork."""
    again = duplicate(nlp)
    assert entities(again) == expected
    again.get_pipe("gliner").add_label("university")
    assert nlp.get_pipe("gliner").label_data == CONFIG["labels"]


def test_a_pipeline_that_has_not_loaded_its_model_can_be_pickled(make_learned, expected):
    assert entities(pickle.loads(pickle.dumps(make_learned(**CONFIG)))) == expected


def test_a_component_can_come_from_another_pipeline(nlp, expected, tmp_path):
    other = spacy.blank("en")
    other.add_pipe("gliner", source=nlp)
    assert entities(other) == expected
    other.to_disk(tmp_path)
    assert entities(spacy.load(tmp_path)) == expected


def test_loading_asks_neither_the_network_nor_the_encoder(learned_folder, tmp_path):
    encoder = write_encoder(tmp_path / "encoder")
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.NewGLiNER.v1", "encoder": str(encoder), "max_width": 4}
    component = nlp.add_pipe("gliner", config={"model": model, "labels": LABELS})
    assert shim_of(component.model).checkpoint.config.model_name == str(encoder)
    shim_of(component.model).checkpoint = Checkpoint.from_disk(learned_folder)
    nlp.to_disk(tmp_path / "pipeline")
    shutil.rmtree(encoder)
    environment = {key: value for key, value in os.environ.items() if key != "HF_HUB_OFFLINE"}
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(tmp_path / "pipeline"), SENTENCES[0]],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert [ent[:2] for ent in found] == [["Berta Lund", "person"], ["Oslo", "city"]]
    assert [ent[2] for ent in found] == pytest.approx([e._.score for e in nlp(SENTENCES[0]).ents])


def test_documents_keep_their_spans_and_scores(make_learned):
    nlp = make_learned(mode="nested")
    doc = nlp(SENTENCES[5])
    bin_ = DocBin(docs=[doc], store_user_data=True)
    (again,) = DocBin().from_bytes(bin_.to_bytes()).get_docs(nlp.vocab)
    assert [span._.score for span in again.spans["sc"]] == [s._.score for s in doc.spans["sc"]]
    assert list(again.spans["sc"].attrs["scores"]) == list(doc.spans["sc"].attrs["scores"])


def test_displacy_draws_both_kinds(nlp, make_learned):
    page = displacy.render(nlp(SENTENCES[0]), style="ent", jupyter=False)
    assert "Berta Lund" in page and "WHO" in page
    page = displacy.render(make_learned(mode="nested")(SENTENCES[5]), style="span", jupyter=False)
    assert "University" in page and "university" in page
