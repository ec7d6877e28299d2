import pytest
import spacy
import torch

from ..tiny import write_encoder


@pytest.fixture(scope="session")
def make_pipeline(tmp_path_factory):
    """Saves a pipeline whose model has random weights; returns its folder."""
    encoder = write_encoder(tmp_path_factory.mktemp("encoder"))

    def make(**config) -> str:
        torch.manual_seed(0)
        nlp = spacy.blank("en")
        model = {"@architectures": "spacy_gliner.NewGLiNER.v1", "encoder": str(encoder)}
        nlp.add_pipe("gliner", config={"model": model, **config})
        folder = tmp_path_factory.mktemp("pipeline")
        nlp.to_disk(folder)
        return str(folder)

    return make
