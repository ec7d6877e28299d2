"""`spacy train` with configs/gner.cfg."""

import shutil
from pathlib import Path

import pytest
import spacy
import torch
from spacy.cli.train import train
from spacy.tokens import DocBin
from spacy.vocab import Vocab

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.gner.checkpoint import GNERCheckpoint

from ..gner import models
from ..gner.learning import sentences

CONFIG = Path(__file__).parents[2] / "configs" / "gner.cfg"


@pytest.fixture
def spacy_train(tmp_path):
    """Runs `spacy train` on a base; returns the last pipeline."""
    vocab = Vocab()
    docs = [to_doc(passage, vocab) for passage in sentences(10, seed=0)]
    DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "data.spacy")

    def run(base: Path, **overrides):
        overrides = {
            "paths.train": str(tmp_path / "data.spacy"),
            "paths.dev": str(tmp_path / "data.spacy"),
            "paths.base": str(base),
            "training.max_steps": 4,
            "training.eval_frequency": 2,
            "components.gner.training.precision": "float32",
            **overrides,
        }
        train(CONFIG, tmp_path / "out", overrides=overrides)
        return spacy.load(tmp_path / "out" / "model-last")

    return run


@pytest.mark.parametrize(
    ("write", "settings"),
    [
        (models.write_t5, {}),
        (models.write_llama, {"training.accumulate_gradient": 2}),
        (
            models.write_t5,
            {
                "components.gner.model.context": 2,
                "components.gner.model.boundaries": "plain",
                "components.gner.decoding": "free",
            },
        ),
    ],
    ids=["T5", "LLaMA", "ablation"],
)
def test_a_base_is_trained_and_saved_with_all_it_needs(spacy_train, tmp_path, write, settings):
    base = write(tmp_path / "base")
    before = GNERCheckpoint.from_disk(base).network.state_dict()
    nlp = spacy_train(base, **settings)
    shutil.rmtree(base)  # the trained pipeline needs it no more
    checkpoint = nlp.get_pipe("gner").model.shims[0].checkpoint
    after = checkpoint.network.state_dict()
    assert after.keys() == before.keys()
    assert any(not torch.equal(after[name], before[name]) for name in before)
    context = settings.get("components.gner.model.context", "full")
    assert checkpoint.config.context == context
    assert "ents_f" in nlp.meta["performance"]
    doc = nlp.make_doc("Berta Lund moved to Oslo .")
    doc._.gner_labels = ["person", "city"]
    assert {ent.label_ for ent in nlp(doc).ents} <= {"person", "city"}
