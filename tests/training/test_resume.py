import pytest
import spacy
import torch
from thinc.api import Adam, Config

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.shim import shim_of
from spacy_gliner.training.readers import to_example
from spacy_gliner.training.resume import make_checkpoint_callback, resumable, save, steps_done
from spacy_gliner.training.schedules import make_warmup_cosine
from tests.tiny import SENTENCES, marked, write_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return write_encoder(tmp_path_factory.mktemp("encoder"))


def make_nlp(encoder):
    torch.manual_seed(1)
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.NewGLiNER.v1", "encoder": str(encoder)}
    nlp.add_pipe("gliner", config={"model": model})
    return nlp


def train(nlp, optimizer, steps):
    examples = [to_example(to_doc(marked(text), nlp.vocab)) for text in SENTENCES]
    for _ in range(steps):
        nlp.update(examples, sgd=optimizer)
        optimizer.step_schedules()


def make_optimizer():
    return Adam(make_warmup_cosine(1e-3, 2, 20), use_averages=False)


def network(nlp):
    return shim_of(nlp.get_pipe("gliner").model).checkpoint.network


def test_a_restored_pipeline_has_the_weights_and_the_optimizer_of_the_saved_one(encoder, tmp_path):
    before, first = make_nlp(encoder), make_optimizer()
    train(before, first, 5)
    save(before, tmp_path)
    after, second = make_nlp(encoder), make_optimizer()
    make_checkpoint_callback(str(tmp_path), every=100)(after, {"step": 0})
    for name, weight in network(before).state_dict().items():
        assert torch.equal(weight, network(after).state_dict()[name]), name
    assert steps_done(tmp_path) == 5
    # The next update takes up the learning rate where it was, not at the warm-up's beginning.
    train(before, first, 1)
    train(after, second, 1)
    assert second.learn_rate == first.learn_rate != make_optimizer().learn_rate
    states = [shim_of(nlp.get_pipe("gliner").model).training_state() for nlp in (before, after)]
    assert [state["steps"] for state in states] == [6, 6]
    moments = [state["optimizer"]["state"][0]["step"].item() for state in states]
    assert moments == [6, 6]


def test_the_callback_saves_at_intervals_only(encoder, tmp_path):
    nlp = make_nlp(encoder)
    callback = make_checkpoint_callback(str(tmp_path), every=3)
    for step in range(3):
        callback(nlp, {"step": step})
    assert steps_done(tmp_path) == 0 and not list(tmp_path.iterdir())
    train(nlp, make_optimizer(), 1)
    callback(nlp, {"step": 3})
    assert steps_done(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["training_state.pt"]


def test_what_is_left_of_the_steps_is_trained(encoder, tmp_path):
    config = Config({"training": {"max_steps": 7, "seed": 1, "before_update": None}})
    assert resumable(config, tmp_path, every=2)["training"]["max_steps"] == 7
    nlp = make_nlp(encoder)
    train(nlp, make_optimizer(), 3)
    save(nlp, tmp_path)
    settings = resumable(config, tmp_path, every=2)["training"]
    assert (settings["max_steps"], settings["seed"]) == (4, 4)
    assert settings["before_update"]["every"] == 2
    with pytest.raises(ValueError, match=r"\[G409\] 3 steps of 3"):
        resumable(Config({"training": {"max_steps": 3, "seed": 1}}), tmp_path, every=2)
    with pytest.raises(ValueError, match=r"\[G408\].*max_steps"):
        resumable(Config({"training": {"max_steps": 0, "seed": 1}}), tmp_path, every=2)
