"""Training the component by spaCy's own means."""

import random

import pytest
import spacy
import torch
from thinc.api import Adam

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.training.readers import make_corpus, to_example
from spacy_gliner.training.resume import restore, save, steps_done

from ..tiny import SENTENCES, marked, passage

# No university, in whose name there is a city too.
FLAT = [text for text in SENTENCES if "University" not in text]
TRAINING = {"precision": "float32", "type_dropout": 0.0}


@pytest.fixture
def make(make_gner):
    def make(kind: str = "T5", **training):
        random.seed(0)
        return make_gner(kind, training={**TRAINING, **training})

    return make


def examples_of(nlp):
    return [to_example(to_doc(marked(text), nlp.vocab)) for text in FLAT]


def weights(nlp) -> dict[str, torch.Tensor]:
    network = nlp.get_pipe("gner").model.shims[0].checkpoint.network
    return {name: weight.clone() for name, weight in network.state_dict().items()}


def changed(nlp, before) -> bool:
    return any(not torch.equal(weight, before[name]) for name, weight in weights(nlp).items())


@pytest.mark.parametrize("kind", ["T5", "LLaMA"])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_training_lowers_the_loss(make, kind, precision):
    nlp = make(kind, precision=precision)
    examples = examples_of(nlp)
    optimizer = Adam(3e-3, use_averages=False, L2=0.0)
    losses = [nlp.update(examples, sgd=optimizer)["gner"] for _ in range(12)]
    assert losses[-1] < 0.7 * losses[0]


def test_gradients_of_several_batches_make_one_update(make):
    """As spaCy's accumulate_gradient has it."""
    nlp = make()
    examples, before = examples_of(nlp), weights(nlp)
    component = nlp.get_pipe("gner")
    losses = component.update(examples[:2])
    component.update(examples[2:], losses=losses)
    assert not changed(nlp, before)
    component.finish_update(nlp.resume_training())
    assert changed(nlp, before)
    assert losses["gner"] > 0


def test_initialize_keeps_the_weights_and_may_set_labels(make):
    nlp = make()
    before = weights(nlp)
    nlp.config["initialize"]["components"]["gner"] = {"labels": {"PER": "person"}}
    nlp.initialize(lambda: examples_of(nlp))
    assert nlp.get_pipe("gner").label_data == {"PER": "person"}
    assert not changed(nlp, before)


def test_data_without_gold_is_refused(make):
    nlp = make()
    docs = [to_doc(passage("nothing here"), nlp.vocab) for _ in range(2)]
    with pytest.raises(ValueError, match=r"\[G407\].*'sc'"):
        nlp.initialize(lambda: [to_example(doc) for doc in docs])


def test_a_corpus_asks_for_what_is_known_of_each_document(make, reader, tmp_path):
    nlp = make()
    known = [("person", "city"), ("city",)]
    texts = [passage(SENTENCES[0], ("Oslo", "city"), label_set=labels) for labels in known]
    docs = spacy.tokens.DocBin(
        docs=[to_doc(text, nlp.vocab) for text in texts], store_user_data=True
    )
    docs.to_disk(tmp_path / "dev.spacy")
    examples = list(make_corpus(tmp_path)(nlp))
    assert [example.predicted._.gner_labels for example in examples] == list(map(list, known))
    assert nlp.evaluate(examples)["ents_r"] == 1.0
    assert [s.labels for s in reader.calls[0][0]] == known


def test_training_is_taken_up_where_it_was(make, tmp_path):
    def train(nlp, optimizer, steps):
        for _ in range(steps):
            nlp.update(examples_of(nlp), sgd=optimizer)

    before, after = make(), make()
    first = Adam(1e-3, use_averages=False)
    train(before, first, 2)
    save(before, tmp_path)
    restore(after, tmp_path)
    assert steps_done(tmp_path) == 2
    assert not changed(after, weights(before))
    states = [nlp.get_pipe("gner").model.shims[0].training_state() for nlp in (before, after)]
    for name, moments in states[0]["optimizer"]["state"].items():
        assert torch.equal(moments["exp_avg"], states[1]["optimizer"]["state"][name]["exp_avg"])


def test_what_was_learned_is_what_annotates(make):
    """Also the copies of the network that compute with fewer bits."""
    nlp = make()
    component = nlp.get_pipe("gner")
    component.precision, component.outside_bias = "int8", -3.0
    before = [ent._.score for ent in nlp(SENTENCES[0]).ents]
    nlp.update(examples_of(nlp), sgd=Adam(1e-2, use_averages=False))
    assert [ent._.score for ent in nlp(SENTENCES[0]).ents] != before
