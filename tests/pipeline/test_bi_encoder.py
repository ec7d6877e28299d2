"""The component with a bi-encoder: labels are read once, and texts once for all labels."""

import pytest
import spacy

from spacy_gliner.shim import shim_of

from ..conftest import make_pipeline
from ..gliner.variants import make_bi_encoder
from ..tiny import LABELS, SENTENCES, TRAINING, learn


@pytest.fixture(scope="module")
def folder(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bi-encoder")
    make_bi_encoder(checkpoint).to_disk(folder)
    return folder


def spans(doc) -> list[tuple]:
    return [(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents]


@pytest.fixture
def rows():
    """Counts the rows that an encoder reads."""

    def count(encoder) -> list[int]:
        seen: list[int] = []
        embeddings = encoder.transformer.embeddings
        embeddings.register_forward_hook(lambda _, given, found: seen.append(len(found)))
        return seen

    return count


def test_a_thousand_labels_are_read_once_and_each_text_once(folder, rows):
    nlp = make_pipeline(folder, labels=[f"river number {i}" for i in range(1000)], threshold=0.9)
    network = shim_of(nlp.get_pipe("gliner").model).checkpoint.network
    texts, labels = rows(network.encoder), rows(network.label_encoder)
    docs = list(nlp.pipe(SENTENCES[i % 6] for i in range(200)))
    assert (sum(texts), sum(labels), len(docs)) == (200, 1000, 200)
    list(nlp.pipe(SENTENCES))
    assert (sum(texts), sum(labels)) == (206, 1000)


def test_documents_with_labels_of_their_own_share_a_batch(folder):
    nlp = make_pipeline(folder, labels=LABELS, threshold=0.3)
    own = [["person"], None, ["river", "city", "boat"], ["person", "city"]]
    docs = [nlp.make_doc(sentence) for sentence in SENTENCES[:4]]
    for doc, labels in zip(docs, own, strict=True):
        doc._.gliner_labels = labels
    together = [spans(doc) for doc in nlp.pipe(docs)]
    for sentence, labels, expected in zip(SENTENCES, own, together, strict=False):
        doc = nlp.make_doc(sentence)
        doc._.gliner_labels = labels
        assert [s[:3] for s in spans(nlp(doc))] == [s[:3] for s in expected]
        assert {label for *_, label, _ in expected} <= set(labels or LABELS)
    assert any(together)


def test_label_vectors_are_saved_with_the_pipeline(folder, rows, tmp_path):
    nlp = make_pipeline(folder, labels=LABELS, threshold=0.3)
    expected = [spans(doc) for doc in nlp.pipe(SENTENCES)]
    nlp.to_disk(tmp_path)
    again = spacy.load(tmp_path)
    read = rows(shim_of(again.get_pipe("gliner").model).checkpoint.network.label_encoder)
    assert [spans(doc) for doc in again.pipe(SENTENCES)] == expected
    assert read == []


def test_a_label_too_long_for_its_encoder_is_named(folder):
    nlp = make_pipeline(folder, labels=["a " * 600])
    with pytest.raises(ValueError, match=r"\[G015\].*512"):
        nlp(SENTENCES[0])


def test_a_bi_encoder_is_trained(folder):
    nlp = make_pipeline(folder, labels=LABELS, training=TRAINING)
    losses = learn(nlp, steps=25)
    assert sum(losses[-3:]) < 0.7 * sum(losses[:3])
