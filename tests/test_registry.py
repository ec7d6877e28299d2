"""What spaCy finds by name."""

import inspect
import subprocess
import sys
from importlib.metadata import distribution

from spacy import registry
from spacy.language import Language
from spacy.util import load_model_from_config
from thinc.api import Config

from spacy_gliner.factories import make_gner

NAMES = {
    "spacy_factories": {"gliner", "gner"},
    "spacy_architectures": {
        "spacy_gliner.GLiNER.v1",
        "spacy_gliner.NewGLiNER.v1",
        "spacy_gliner.SharedGLiNER.v1",
        "spacy_gliner.GNER.v1",
        "spacy_gliner.NewGNER.v1",
    },
    "spacy_scorers": {"spacy_gliner.scorer.v1"},
    "spacy_readers": {"spacy_gliner.Corpus.v1", "spacy_gliner.Mixture.v1"},
    "spacy_batchers": {"spacy_gliner.batch_by_words.v1"},
    "spacy_callbacks": {"spacy_gliner.checkpoint.v1"},
    "spacy_cli": {"gliner"},
    "thinc_schedules": {"spacy_gliner.warmup_cosine.v1"},
}
WITHOUT_TORCH = """
import sys
for name in ("torch", "transformers", "safetensors"):
    sys.modules[name] = None
from spacy.language import Language
import spacy_gliner.factories, spacy_gliner.architectures
assert Language.has_factory("gliner") and Language.has_factory("gner")
assert not {"spacy_gliner.pipeline.gliner", "spacy_gliner.pipeline.gner"} & sys.modules.keys()
"""


def test_all_names_are_registered_and_can_be_imported():
    found: dict[str, set[str]] = {}
    for entry in distribution("spacy-gliner").entry_points:
        if entry.group in NAMES:
            assert callable(entry.load()), entry
            found.setdefault(entry.group, set()).add(entry.name)
    assert found == NAMES


def test_spacy_finds_them():
    for group, names in NAMES.items():
        kind = group.split("_")[1]
        if kind not in ("factories", "cli"):
            assert all(registry.has(kind, name) for name in names), kind
    assert Language.has_factory("gliner")
    assert Language.has_factory("gner")


def test_the_factory_is_described():
    meta = Language.get_factory_meta("gliner")
    assert list(meta.assigns) == ["doc.ents", "doc.spans"]
    assert meta.default_score_weights["ents_f"] == 1.0
    assert meta.default_config["labels"] == []
    assert meta.default_config["model"]["name"] == "default"


def test_the_factory_of_generative_models_is_described():
    meta = Language.get_factory_meta("gner")
    assert list(meta.assigns) == ["doc.ents"]
    assert meta.default_score_weights["ents_f"] == 1.0
    assert meta.default_config["model"]["name"] is None
    arguments = set(inspect.signature(make_gner).parameters)
    assert set(meta.default_config) == arguments - {"nlp", "name"}


def test_the_default_config_survives_writing(make_random):
    nlp = make_random(
        labels={"GPE": "city: or {village}", "PER": "person"}, threshold={"PER": 0.25}
    )
    again = load_model_from_config(Config().from_str(nlp.config.to_str()))
    assert again.get_pipe("gliner").label_data == {"GPE": "city: or {village}", "PER": "person"}
    assert again.get_pipe("gliner").threshold == {"PER": 0.25}


def test_the_factory_can_be_imported_without_torch():
    ran = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
