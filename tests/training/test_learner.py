import random

import pytest
import torch

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.pipeline.labels import LabelSet
from spacy_gliner.shim import shim_of
from spacy_gliner.training.base import training_precision
from spacy_gliner.training.learner import Learner
from spacy_gliner.training.readers import to_example
from spacy_gliner.training.settings import TrainingSettings

from ..tiny import LABELS, MAX_WIDTH, SENTENCES, marked, passage

LABEL_SET = LabelSet.create(LABELS)


@pytest.fixture(scope="module")
def nlp(make_random):
    return make_random()


@pytest.fixture
def make(nlp, random_folder):
    """Makes learners by their settings, each on a model of its own."""

    def make(seed: int = 0, **settings) -> Learner:
        random.seed(seed)
        model = nlp.get_pipe("gliner").model
        shim_of(model).checkpoint = Checkpoint.from_disk(random_folder)
        return Learner(model, TrainingSettings(**{"precision": "float32", **settings}))

    return make


def read(learner: Learner, vocab, *passages, labels=LABEL_SET):
    examples = [to_example(to_doc(p, vocab)) for p in passages]
    return learner.read(examples, spans_key="sc", words="spacy", labels=labels)


def update(learner: Learner, vocab) -> float:
    return learner.update(read(learner, vocab, *map(marked, SENTENCES)), dropout=0.0)


def gradients(learner: Learner) -> dict[str, torch.Tensor]:
    named = shim_of(learner.model).checkpoint.network.named_parameters()
    return {name: weight.grad for name, weight in named if weight.grad is not None}


def spy_units(learner: Learner) -> list[list[str]]:
    """All words and types that the model is to read from now on, one list a row."""
    builder = shim_of(learner.model).checkpoint.prompts
    asked: list[list[str]] = []
    units = builder.units

    def spy(texts):
        asked.extend(map(list, texts))
        return units(texts)

    builder.units = spy  # of this learner's checkpoint only
    return asked


def test_long_passages_are_cut(make, nlp):
    found = read(make(row_words=5), nlp.vocab, passage("one two three four five six seven"))
    assert [len(p.words) for p in found] == [4, 3]


def test_documents_without_words_are_left_out(make, nlp):
    assert read(make(), nlp.vocab, passage("")) == []


def test_what_cannot_be_learned_is_counted_and_told_once(make, nlp):
    words = "one two three four five six"
    learner = make(row_words=4)
    read(learner, nlp.vocab, passage(words, (words, "sentence"), ("one two", "pair")))
    assert +learner.dropped == {f"longer than {MAX_WIDTH} words": 1, "cut by training.row_words": 1}
    with pytest.warns(UserWarning, match=r"\[G440\] 1 of the gold spans") as told:
        learner.warn_of_dropped()
    assert len(told) == 2
    read(learner, nlp.vocab, passage(words, (words, "sentence")))
    learner.warn_of_dropped()


def test_a_span_of_just_the_longest_width_can_be_learned(make, nlp):
    assert MAX_WIDTH == 4
    learner = make()
    read(learner, nlp.vocab, passage("one two three four five", ("one two three four", "most")))
    assert not +learner.dropped


def test_a_row_that_the_encoder_cannot_read_is_counted(make, nlp):
    learner = make(row_words=1000)
    passages = read(learner, nlp.vocab, passage("a " * 600), passage("Oslo", ("Oslo", "city")))
    while not learner.dropped["row longer than the encoder reads"]:
        assert learner.update(passages, dropout=0.0) > 0


def test_small_batches_give_the_same_gradients(make, nlp):
    large = make(max_pieces=4096)
    loss, whole = update(large, nlp.vocab), gradients(large)
    small = make(max_pieces=1)
    assert update(small, nlp.vocab) == pytest.approx(loss, rel=1e-4)
    assert gradients(small).keys() == whole.keys()
    for name, gradient in gradients(small).items():
        torch.testing.assert_close(gradient, whole[name], rtol=1e-3, atol=1e-4)


def test_the_gradient_is_that_of_the_loss(make, nlp):
    """Along itself, the loss rises by the gradient's norm."""
    learner = make()
    update(learner, nlp.vocab)
    gradient = gradients(learner)["types.3.weight"]
    step = 0.01 * gradient / gradient.norm()

    def loss_at(move: torch.Tensor) -> float:
        moved = make()
        with torch.no_grad():
            shim_of(moved.model).checkpoint.network.types[3].weight += move
        return update(moved, nlp.vocab)

    slope = (loss_at(step) - loss_at(-step)) / 0.02
    assert slope == pytest.approx(gradient.norm().item(), rel=0.02)


def test_the_loss_is_that_of_one_span(make, nlp):
    passages = read(make(), nlp.vocab, *map(marked, SENTENCES))
    once, thrice = (make().update(passages * n, dropout=0.0) for n in (1, 3))
    assert 0.5 < thrice / once < 2


def test_types_of_earlier_passages_are_negatives_of_later_ones(make, nlp):
    learner, nothing = make(max_types=9), LabelSet.create([])
    read(learner, nlp.vocab, passage("the Nile", ("Nile", "river")), labels=nothing)
    later = read(learner, nlp.vocab, passage("Ada ran", ("Ada", "person")), labels=nothing)
    asked = spy_units(learner)
    for _ in range(5):
        learner.update(later, dropout=0.0)
    assert ["person", "river"] in map(sorted, asked)


def test_settings_reach_the_model(make):
    model = make(head_rate=7.0, precision="bfloat16").model
    assert shim_of(model).head_rate == 7.0
    assert model.attrs["training_precision"] == "bfloat16"


def test_the_seed_of_python_decides_what_is_asked(make, nlp):
    assert update(make(1), nlp.vocab) == update(make(1), nlp.vocab) != update(make(2), nlp.vocab)


def test_documents_without_spans_are_learned_from_too(make, nlp):
    learner = make()
    passages = read(learner, nlp.vocab, passage("nothing to see"))
    assert learner.update(passages, dropout=0.0) > 0
    assert gradients(learner)


def test_open_passages_without_types_teach_nothing(make, nlp):
    passages = read(make(), nlp.vocab, passage("nothing to see"), labels=LabelSet.create([]))
    assert make().update(passages, dropout=0.0) == 0.0


def test_dropout_reaches_the_network(make, nlp):
    learner = make()
    learner.update(read(learner, nlp.vocab, marked(SENTENCES[0])), dropout=0.3)
    assert shim_of(learner.model).checkpoint.network.encoder.dropout.p == 0.3


@pytest.mark.parametrize("share, shown", [(0.0, "Oslo"), (1.0, "oslo")])
def test_words_can_be_lower_cased(make, nlp, share, shown):
    learner = make(lower_case=share)
    asked = spy_units(learner)
    learner.update(read(learner, nlp.vocab, passage("Oslo", ("Oslo", "City"))), dropout=0.0)
    assert asked[0] == [shown]
    assert "City" in asked[1], "types keep their case"


def test_precision_is_what_is_set_or_what_the_machine_has():
    assert training_precision("float32") == "float32"
    assert training_precision("bfloat16") == "bfloat16"
    assert training_precision("auto") in ("float32", "bfloat16")


def test_bfloat16_gradients_point_the_same_way(make, nlp):
    exact = make(precision="float32")
    update(exact, nlp.vocab)
    expected = gradients(exact)["types.0.weight"].flatten()
    rough = make(precision="bfloat16")
    update(rough, nlp.vocab)
    found = gradients(rough)["types.0.weight"].flatten()
    assert 0.95 < torch.cosine_similarity(found, expected, dim=0) < 1
