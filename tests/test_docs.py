"""The examples of the documentation run."""

import re
from pathlib import Path

import spacy
import torch

from spacy_gliner.gliner.scorers import span_scorers

from . import tiny

DOCS = Path(__file__).parents[1] / "docs"


def python_blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(encoding="utf8"), re.DOTALL)


def test_the_scorer_of_the_documentation_is_trained_saved_and_loaded(encoder_folder, tmp_path):
    (block,) = (block for block in python_blocks("checkpoints.md") if "@span_scorers" in block)
    exec(block, {"__name__": "example"})
    assert "sum" in span_scorers
    torch.manual_seed(0)
    nlp = spacy.blank("en")
    model = {
        "@architectures": "spacy_gliner.NewGLiNER.v1",
        "encoder": str(encoder_folder),
        "max_width": tiny.MAX_WIDTH,
        "span_mode": "sum",
    }
    config = {"model": model, "labels": tiny.LABELS, "training": tiny.TRAINING, "threshold": 0.1}
    nlp.add_pipe("gliner", config=config)
    losses = tiny.learn(nlp, steps=20)
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    for sentence in tiny.SENTENCES:
        found, expected = (
            [(ent.start, ent.end, ent.label_, ent._.score) for ent in pipeline(sentence).ents]
            for pipeline in (again, nlp)
        )
        assert found == expected
