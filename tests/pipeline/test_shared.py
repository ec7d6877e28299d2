"""A component that listens to the pipeline's transformer: one more head, not one more encoder."""

import random

import pytest
import spacy
import torch
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Adam

from spacy_gliner.cli.export import find_checkpoint
from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.pipeline.shared import SharedGLiNER
from spacy_gliner.shim import shim_of
from spacy_gliner.training.readers import to_example

from ..tiny import LABELS, SENTENCES, marked

LISTENER = {
    "@architectures": "spacy-transformers.TransformerListener.v1",
    "grad_factor": 1.0,
    "pooling": {"@layers": "reduce_mean.v1"},
}
EMBEDDING = {
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 32,
    "depth": 1,
    "embed_size": 200,
    "window_size": 1,
    "maxout_pieces": 2,
    "subword_features": True,
}
TRAINING = {"precision": "float32", "type_dropout": 0.0, "head_rate": 3.0}


def make(encoder_folder, tok2vec, **config) -> Language:
    nlp = spacy.blank("en")
    if tok2vec is LISTENER:
        nlp.add_pipe("transformer", config={"model": {"name": str(encoder_folder)}})
    model = {
        "@architectures": "spacy_gliner.SharedGLiNER.v1",
        "labels_encoder": str(encoder_folder),
        "tok2vec": tok2vec,
        "max_width": 4,
    }
    nlp.add_pipe(
        "gliner", config={"model": model, "labels": LABELS, "training": TRAINING, **config}
    )
    return nlp


def examples(nlp: Language) -> list[Example]:
    return [to_example(to_doc(marked(sentence), nlp.vocab)) for sentence in SENTENCES]


def spans(doc: Doc) -> list[tuple]:
    return [(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents]


@pytest.fixture(scope="module")
def trained(encoder_folder) -> tuple[Language, list[float]]:
    """A transformer and a component that learned `SENTENCES` together, and the losses."""
    random.seed(0)
    torch.manual_seed(0)
    nlp = make(encoder_folder, LISTENER)
    data = examples(nlp)
    nlp.initialize(lambda: data)
    sgd = Adam(0.002, L2=0.0, grad_clip=1.0, use_averages=False)
    losses = []
    for _ in range(120):
        losses.append(nlp.update(data, sgd=sgd, losses={})["gliner"])
    return nlp, losses


def test_it_learns_with_the_transformer(trained):
    nlp, losses = trained
    assert isinstance(nlp.get_pipe("gliner"), SharedGLiNER)
    assert losses[-1] < 0.1 * losses[0]
    found = {(ent.text, ent.label_) for ent in nlp(SENTENCES[0]).ents}
    assert found == {("Berta Lund", "person"), ("Oslo", "city")}


def test_it_holds_no_encoder_of_the_text(trained):
    nlp, _ = trained
    network = shim_of(nlp.get_pipe("gliner").model).checkpoint.network
    names = [name for name, _ in network.named_parameters()]
    assert any(name.startswith("encoder.labels.transformer.") for name in names)
    assert not any(name.startswith("encoder.transformer.") for name in names)


def test_the_gradient_reaches_the_transformer(encoder_folder):
    nlp = make(encoder_folder, LISTENER)
    data = examples(nlp)
    nlp.initialize(lambda: data)
    parameters = [
        parameter
        for node in nlp.get_pipe("transformer").model.walk()
        for shim in node.shims
        for parameter in shim._model.parameters()
    ]
    before = [parameter.detach().clone() for parameter in parameters]
    sgd = Adam(0.01, use_averages=False)
    for _ in range(2):  # In nlp.update the transformer comes first: it moves by the last gradient.
        nlp.update(data, sgd=sgd)
    moved = [not torch.equal(old, new) for old, new in zip(before, parameters, strict=True)]
    assert sum(moved) > len(moved) / 2


@pytest.mark.parametrize("way", ["disk", "bytes"])
def test_it_is_saved_and_loaded_with_the_pipeline(trained, tmp_path, way):
    nlp, _ = trained
    if way == "disk":
        nlp.to_disk(tmp_path)
        again = spacy.load(tmp_path)
    else:
        again = spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())
    for sentence in SENTENCES:
        assert spans(again(sentence)) == spans(nlp(sentence))
    assert any(spans(nlp(sentence)) for sentence in SENTENCES)


def test_an_embedding_of_its_own_is_trained_and_saved(encoder_folder, tmp_path):
    nlp = make(encoder_folder, EMBEDDING, threshold=0.01)
    data = examples(nlp)
    nlp.initialize(lambda: data)
    before = spans(nlp(SENTENCES[0]))
    sgd = Adam(0.002, use_averages=False)
    for _ in range(3):
        nlp.update(data, sgd=sgd)
    after = spans(nlp(SENTENCES[0]))
    assert before != after
    nlp.to_disk(tmp_path)
    assert spans(spacy.load(tmp_path)(SENTENCES[0])) == after


def test_space_and_empty_documents_are_no_trouble(trained):
    nlp, _ = trained
    docs = list(nlp.pipe(["", "  \n ", "Berta  Lund\n moved to Oslo"]))
    assert [len(doc.ents) for doc in docs[:2]] == [0, 0]
    assert all(not token.is_space for ent in docs[2].ents for token in (ent[0], ent[-1]))
    empty = [Example.from_dict(nlp.make_doc(text), {}) for text in ("", "  ")]
    assert nlp.update(empty, losses={})["gliner"] == 0.0


def test_it_must_be_initialized_first(encoder_folder):
    nlp = make(encoder_folder, LISTENER)
    with pytest.raises(ValueError, match=r"\[G124\]"):
        nlp.get_pipe("gliner")(nlp.make_doc("Oslo"))


def test_it_reads_tokens_only_and_cannot_be_exported(trained):
    nlp, _ = trained
    with pytest.raises(ValueError, match=r"\[G123\].*'gliner'"):
        find_checkpoint(nlp, None)
    component = nlp.get_pipe("gliner")
    component.words = "regex"
    try:
        with pytest.raises(ValueError, match=r"\[G016\]"):
            component.predict([nlp.make_doc("Oslo")])
    finally:
        component.words = "spacy"
