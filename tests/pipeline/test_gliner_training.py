"""Training by spaCy's own means: `nlp.update`, `nlp.initialize`, `spacy train`."""

import random
from math import log

import numpy as np
import pytest
import spacy
import torch
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin, Span
from spacy.training import Example
from thinc.api import Config

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.shim import shim_of
from spacy_gliner.training.readers import to_example
from spacy_gliner.training.rows import Row
from spacy_gliner.training.types import Question

from ..tiny import LABELS, MAX_WIDTH, SENTENCES, TRAINING, marked, passage


@pytest.fixture
def nlp(make_random):
    random.seed(0)
    return make_random(labels=LABELS, training=TRAINING)


@pytest.fixture
def examples(nlp) -> list[Example]:
    return [to_example(to_doc(marked(text), nlp.vocab)) for text in SENTENCES]


def weights(nlp) -> dict[str, torch.Tensor]:
    network = shim_of(nlp.get_pipe("gliner").model).checkpoint.network
    return {name: weight.clone() for name, weight in network.state_dict().items()}


def changed(nlp, before) -> bool:
    return any(not torch.equal(weight, before[name]) for name, weight in weights(nlp).items())


def entity_doc(vocab, text: str) -> Doc:
    """Gold annotation as spaCy users have it: in `doc.ents`, which do not overlap."""
    doc = Doc(vocab, words=text.split())
    spans = [Span(doc, start, end, label) for start, end, label in marked(text).spans]
    doc.ents = spacy.util.filter_spans(spans)
    return doc


def test_an_update_changes_the_weights_and_adds_to_the_losses(nlp, examples):
    optimizer, before = nlp.resume_training(), weights(nlp)
    losses = nlp.update(examples, sgd=optimizer, losses={"gliner": 100.0, "other": 1.0})
    assert losses["gliner"] > 100 and losses["other"] == 1.0
    assert changed(nlp, before)


def test_without_an_optimizer_gradients_wait_for_one(nlp, examples):
    optimizer, before = nlp.initialize(lambda: examples), weights(nlp)
    component = nlp.get_pipe("gliner")
    component.update(examples[:3])
    component.update(examples[3:])
    assert not changed(nlp, before)
    component.finish_update(optimizer)
    assert changed(nlp, before)


def test_an_empty_batch_changes_nothing(nlp):
    before = weights(nlp)
    assert nlp.get_pipe("gliner").update([]) == {"gliner": 0.0}
    assert not changed(nlp, before)


def test_initialize_keeps_the_weights_and_may_set_labels(nlp, examples):
    before = weights(nlp)
    nlp.config["initialize"]["components"]["gliner"] = {"labels": {"PER": "person"}}
    nlp.initialize(lambda: examples)
    assert nlp.get_pipe("gliner").label_data == {"PER": "person"}
    assert not changed(nlp, before)


def test_initialize_without_data_is_spacys_business(nlp):
    assert nlp.initialize()


def test_data_without_any_span_are_refused(nlp):
    examples = [to_example(to_doc(passage(text), nlp.vocab)) for text in SENTENCES]
    with pytest.raises(ValueError, match=r"\[G407\].*doc\.spans\['sc'\]"):
        nlp.initialize(lambda: examples)


def test_too_long_spans_are_told(nlp):
    text = "one two three four five"
    gold = [to_example(to_doc(passage(text, (text, "sentence")), nlp.vocab)) for _ in range(2)]
    with pytest.warns(UserWarning, match=rf"\[G440\] 2 .* longer than {MAX_WIDTH} words"):
        nlp.initialize(lambda: gold)
    assert nlp.get_pipe("gliner").learner.dropped[f"longer than {MAX_WIDTH} words"] == 2


def test_misaligned_spans_are_told(nlp):
    reference = Doc(nlp.vocab, words=["Os", "lo", "grew"], spaces=[False, True, False])
    reference.ents = [Span(reference, 0, 1, "city")]
    predicted = Doc(nlp.vocab, words=["Oslo", "grew"])
    with pytest.warns(UserWarning, match=r"\[G440\] 1 .* misaligned"):
        nlp.update([Example(predicted, reference)])


def test_the_loss_can_be_asked_for(nlp, examples):
    """As TrainablePipe has it: a loss, and a gradient of the shape of the scores."""
    component = nlp.get_pipe("gliner")
    row = Row((marked(SENTENCES[1]),))  # "In Oslo ..."
    question = Question(row, ("person", "city"), ((1, 2, 1),), np.ones((1, 2), dtype=bool))
    scores = torch.zeros(1, len(row.words), MAX_WIDTH, 2)
    loss, gradient = component.get_loss([question], scores)
    assert loss == pytest.approx(scores.numel() * log(2), rel=1e-5)
    assert (gradient < 0).nonzero().tolist() == [[0, 1, 0, 1]]


def test_evaluation_scores_the_entities(make_learned):
    nlp = make_learned()
    right = [entity_doc(nlp.vocab, SENTENCES[number]) for number in (0, 1, 4)]
    wrong = entity_doc(nlp.vocab, SENTENCES[4])
    wrong.ents = [Span(wrong, 0, 1, "person")]

    def evaluate(docs):
        return nlp.evaluate([Example(nlp.make_doc(doc.text), doc) for doc in docs])

    scores = evaluate(right)
    assert scores["ents_f"] == scores["ents_per_type"]["person"]["f"] == 1.0
    scores = evaluate([*right, wrong])
    assert (scores["ents_p"], scores["ents_r"]) == (1.0, 0.75)


# spacy train

CONFIG = """
[paths]
train = null
dev = null
model = null

[nlp]
lang = "en"
pipeline = ["gliner"]

[components]

[components.gliner]
factory = "gliner"
labels = ["person", "city", "university"]
{settings}

[components.gliner.model]
@architectures = "spacy_gliner.GLiNER.v1"
name = ${{paths.model}}

[components.gliner.training]
precision = "float32"

[corpora]

[corpora.dev]
@readers = "{reader}"
path = ${{paths.dev}}

[corpora.train]
@readers = "{reader}"
path = ${{paths.train}}

[training]
max_steps = 4
eval_frequency = 2
patience = 0
seed = 3
gpu_allocator = null

[training.batcher]
@batchers = "spacy_gliner.batch_by_words.v1"
words = 20

[training.optimizer]
@optimizers = "Adam.v1"

[training.optimizer.learn_rate]
@schedules = "spacy_gliner.warmup_cosine.v1"
initial_rate = 0.0001
warmup_steps = 2
total_steps = 4
"""


@pytest.fixture
def spacy_train(tmp_path, learned_folder):
    """Runs `spacy train` on documents; returns the last pipeline."""

    def run(docs: list[Doc], *, reader: str = "spacy_gliner.Corpus.v1", settings: str = ""):
        DocBin(docs=docs, store_user_data=True).to_disk(tmp_path / "docs.spacy")
        config = Config().from_str(
            CONFIG.format(reader=reader, settings=settings), interpolate=False
        )
        config.to_disk(tmp_path / "config.cfg")
        paths = {
            "train": tmp_path / "docs.spacy",
            "dev": tmp_path / "docs.spacy",
            "model": learned_folder,
        }
        overrides = {f"paths.{name}": str(path) for name, path in paths.items()}
        train(tmp_path / "config.cfg", tmp_path / "output", overrides=overrides)
        return spacy.load(tmp_path / "output" / "model-last")

    return run


@pytest.mark.parametrize(
    "reader, mode", [("spacy_gliner.Corpus.v1", "nested"), ("spacy.Corpus.v1", "flat")]
)
def test_spacy_train_runs_from_end_to_end(spacy_train, nlp, make_learned, reader, mode):
    """The model knows the sentences already, so a few small steps leave it good."""
    if mode == "nested":
        docs = [to_doc(marked(text), nlp.vocab) for text in SENTENCES]
    else:
        docs = [entity_doc(nlp.vocab, text) for text in SENTENCES if "University" not in text]
    trained = spacy_train(docs, reader=reader, settings=f'mode = "{mode}"')
    score = trained.meta["performance"]["ents_f"]
    assert score > 0.8
    assert [ent.text for ent in trained(SENTENCES[0]).ents] == (
        ["Berta Lund", "Oslo"] if mode == "flat" else []
    )
    assert changed(trained, weights(nlp))


def test_spacy_train_refuses_data_without_spans(spacy_train, nlp):
    docs = [to_doc(passage(text), nlp.vocab) for text in SENTENCES]
    with pytest.raises(ValueError, match=r"\[G407\]"):
        spacy_train(docs)


def test_spacy_train_learns_from_documents_without_entities_too(spacy_train, nlp):
    docs = [to_doc(marked(SENTENCES[0]), nlp.vocab)]
    docs += [to_doc(passage(text), nlp.vocab) for text in ("nothing here", "nor there", ".")]
    trained = spacy_train(docs)
    assert trained(SENTENCES[0]).text == SENTENCES[0]
