"""The shim of generative models; what it shares with GLiNER's is tested there."""

import copy
import pickle

import pytest
import torch
from thinc.api import Adam

from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.gner.instruction import instructions
from spacy_gliner.shim import GNERShim
from spacy_gliner.training.gner_batch import make_batch, make_target

from .gner import models
from .tiny import LABELS, SENTENCES

KINDS = {"T5": models.write_t5, "LLaMA": models.write_llama}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Models with tied word pieces, and a rate of dropout of their own."""
    rates = {"T5": {"dropout_rate": 0.4}, "LLaMA": {"attention_dropout": 0.4}}
    return {
        kind: write(tmp_path_factory.mktemp(kind), tie_word_embeddings=True, **rates[kind])
        for kind, write in KINDS.items()
    }


@pytest.fixture(params=KINDS)
def shim(request, folders) -> GNERShim:
    return GNERShim(lambda: GNERCheckpoint.from_disk(folders[request.param]))


def batch_of(shim: GNERShim):
    checkpoint = shim.checkpoint
    words = [sentence.split() for sentence in SENTENCES[:3]]
    prompts = checkpoint.prompts([(own, LABELS) for own in words])
    start = checkpoint.network.config.decoder_start_token_id
    return make_batch(
        [
            make_target(checkpoint, prompt, own, ["O"] * len(own), tags_only=False)
            for prompt, own in zip(prompts, words, strict=True)
        ],
        start=start,
    )


def adam(rate: float = 1e-3, **settings):
    return Adam(rate, use_averages=False, **{"L2": 0.0, **settings})


def weights(shim: GNERShim) -> dict[str, torch.Tensor]:
    return {name: w.clone() for name, w in shim.checkpoint.network.named_parameters()}


def update(shim: GNERShim, optimizer, precision: str = "float32") -> dict[str, float]:
    """One update; returns the largest change of each weight."""
    before = weights(shim)
    logits, backprop = shim.begin_update(batch_of(shim), precision)
    torch.manual_seed(1)
    backprop(torch.randn(logits.shape))
    shim.finish_update(optimizer)
    return {name: (w - before[name]).abs().max().item() for name, w in weights(shim).items()}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_all_weights_are_trained_and_shared_ones_once(shim, precision):
    """The first step of Adam is as long as the learning rate, whatever the gradient."""
    network = shim.checkpoint.network
    assert network.get_input_embeddings().weight is network.get_output_embeddings().weight
    changes = update(shim, adam(1e-4, eps=1e-12), precision)
    assert all(change == pytest.approx(1e-4, rel=0.02) for change in changes.values()), changes
    assert network.get_input_embeddings().weight is network.get_output_embeddings().weight


def test_bfloat16_is_near_float32_and_gives_float32(shim):
    batch = batch_of(shim)
    exact, rough = shim.predict(batch), shim.predict(batch, "bfloat16")
    assert rough.dtype == torch.float32
    assert 0 < (rough.softmax(-1) - exact.softmax(-1)).abs().max() < 0.2


def test_weights_of_16_bits_are_trained_with_32(shim):
    shim.checkpoint.network.to(torch.bfloat16)
    changes = update(shim, adam(1e-6, eps=1e-12))
    assert {w.dtype for w in weights(shim).values()} == {torch.float32}
    assert min(changes.values()) > 0


def test_dropout_is_the_one_of_training_and_acts_only_there(shim):
    batch = batch_of(shim)
    expected = shim.predict(batch)
    logits, _ = shim.begin_update(batch)
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-4)
    torch.manual_seed(0)
    dropped, _ = shim.begin_update(batch, dropout=0.5)
    assert (dropped - expected).abs().max() > 0.01
    assert torch.equal(shim.predict(batch), expected)
    assert not any(module.training for module in shim.checkpoint.network.modules())


def test_gradients_add_up_until_the_update(shim):
    batch = batch_of(shim)
    for _ in range(2):
        logits, backprop = shim.begin_update(batch)
        backprop(torch.ones_like(logits))
    embeddings = shim.checkpoint.network.get_input_embeddings()
    twice = embeddings.weight.grad.clone()
    shim.finish_update(adam(0.0))
    assert embeddings.weight.grad is None
    logits, backprop = shim.begin_update(batch)
    backprop(torch.ones_like(logits))
    torch.testing.assert_close(2 * embeddings.weight.grad, twice, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda shim: pickle.loads(pickle.dumps(shim))])
def test_a_copy_scores_the_same_and_is_apart(folders, twin_of):
    shim = GNERShim(pytest.fail)
    shim.checkpoint = GNERCheckpoint.from_disk(folders["T5"])
    batch = batch_of(shim)
    expected = shim.predict(batch)
    twin = twin_of(shim)
    assert torch.equal(twin.predict(batch), expected)
    update(twin, adam())
    assert torch.equal(shim.predict(batch), expected)


def test_bytes_keep_the_model_and_its_settings(folders):
    name = "GNER-LLaMA"
    shim = GNERShim(lambda: GNERCheckpoint.from_disk(folders["T5"], instruction=name))
    other = GNERShim(pytest.fail).from_bytes(shim.to_bytes())
    batch = batch_of(shim)
    assert torch.equal(other.predict(batch), shim.predict(batch))
    assert other.checkpoint.config == shim.checkpoint.config
    assert other.checkpoint.config.instruction == instructions.get(name).template
