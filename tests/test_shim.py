import copy
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from thinc.api import SGD, Adam, Optimizer, RAdam

from spacy_gliner import attention as attention_module
from spacy_gliner import checkpoint_shim
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.shim import GLiNERShim

from .tiny import LABELS, SENTENCES


@pytest.fixture
def shim(random_folder) -> GLiNERShim:
    return GLiNERShim(lambda: Checkpoint.from_disk(random_folder))


@pytest.fixture
def prompts(checkpoint):
    builder = checkpoint.prompts
    words = builder.units([sentence.split() for sentence in SENTENCES])
    (types,) = builder.units([LABELS])
    return builder.batch([(types, row) for row in words])


def weights(shim: GLiNERShim) -> dict[str, torch.Tensor]:
    return {name: w.clone() for name, w in shim.checkpoint.network.state_dict().items()}


def update(shim, prompts, optimizer) -> dict[str, float]:
    """One update; returns the largest change of each weight."""
    before = weights(shim)
    logits, backprop = shim.begin_update(prompts)
    torch.manual_seed(1)
    backprop(torch.randn(logits.shape))
    shim.finish_update(optimizer)
    return {n: (w - before[n]).abs().max().item() for n, w in weights(shim).items()}


def is_frozen(name: str) -> bool:
    return "word_embeddings" in name or "pooler" in name


def adam(rate: float = 1e-3, **settings) -> Optimizer:
    return Adam(rate, use_averages=False, **{"L2": 0.0, **settings})


def test_the_checkpoint_is_read_once_and_when_it_is_needed(random_folder):
    calls = []

    def load():
        calls.append(1)
        time.sleep(0.05)
        return Checkpoint.from_disk(random_folder)

    shim = GLiNERShim(load)
    assert not calls
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: shim.checkpoint, range(4)))
    assert len(calls) == 1
    assert all(checkpoint is found[0] for checkpoint in found)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_what_was_learned_is_predicted(shim, prompts, precision):
    """The network that is used for inference is another one."""
    before = shim.predict(prompts, precision)
    update(shim, prompts, adam(1e-2))
    with torch.no_grad():
        expected = shim.checkpoint.network(prompts)
    change = (expected - before).abs().max()
    assert change > 0.1
    assert (shim.predict(prompts, precision) - expected).abs().max() < 0.1 * change


def test_a_given_checkpoint_is_not_read(checkpoint):
    shim = GLiNERShim(pytest.fail)
    shim.checkpoint = checkpoint
    assert shim.checkpoint is checkpoint


def test_predictions_never_leave_evaluation_mode(shim, prompts, monkeypatch):
    network = shim.checkpoint.network
    monkeypatch.setattr(type(network), "train", lambda *_: pytest.fail("the mode was changed"))
    assert not shim.predict(prompts).requires_grad
    assert torch.equal(shim.predict(prompts), shim.predict(prompts))


def test_evaluation_mode_is_restored_after_training_and_after_an_error(shim, prompts, monkeypatch):
    network = shim.checkpoint.network
    shim.begin_update(prompts)
    assert not network.training
    monkeypatch.setattr(network.encoder, "forward", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        shim.begin_update(prompts)
    assert not any(module.training for module in network.modules())


def test_dropout_acts_in_training_only(shim, prompts):
    expected = shim.predict(prompts)
    torch.testing.assert_close(shim.begin_update(prompts)[0], expected, atol=1e-5, rtol=1e-5)
    torch.manual_seed(0)
    dropped, _ = shim.begin_update(prompts, dropout=0.5)
    assert (dropped - expected).abs().max() > 0.01
    assert torch.equal(shim.predict(prompts), expected)


def test_bfloat16_is_near_float32(shim, prompts):
    exact, rough = shim.predict(prompts), shim.predict(prompts, "bfloat16")
    assert rough.dtype == torch.float32
    assert 0 < (rough.sigmoid() - exact.sigmoid()).abs().max() < 0.1


def test_all_but_word_embeddings_and_pooler_are_trained(shim, prompts):
    changes = update(shim, prompts, adam())
    assert {name for name, change in changes.items() if not change} == set(
        filter(is_frozen, changes)
    )


def test_frozen_weights_have_no_gradient_that_would_count_in_the_norm(shim, prompts):
    logits, backprop = shim.begin_update(prompts)
    backprop(torch.ones_like(logits))
    named = dict(shim.checkpoint.network.named_parameters())
    assert {name for name, weight in named.items() if weight.grad is None} == set(
        filter(is_frozen, named)
    )


def test_encoder_and_head_have_their_own_rates(shim, prompts):
    """The first step of Adam is as long as the learning rate, whatever the gradient."""
    shim.head_rate = 5.0
    changes = update(shim, prompts, adam(1e-4, eps=1e-12))
    for name, change in changes.items():
        if not is_frozen(name):
            rate = 1e-4 if name.startswith("encoder.transformer.") else 5e-4
            assert change == pytest.approx(rate, rel=0.02), name


def test_the_norm_of_all_gradients_is_clipped(shim, prompts):
    """With a large eps, Adam's first step is the gradient times rate / eps."""
    before = weights(shim)
    update(shim, prompts, adam(1e3, eps=1e6, grad_clip=2.0))
    step = torch.cat([(w - before[n]).flatten() for n, w in weights(shim).items()])
    assert step.norm().item() == pytest.approx(2.0 * 1e3 / 1e6, rel=0.02)


def test_gradients_add_up_until_the_update(shim, prompts):
    for _ in range(2):
        logits, backprop = shim.begin_update(prompts)
        backprop(torch.ones_like(logits))
    named = dict(shim.checkpoint.network.named_parameters())
    twice = named["types.0.weight"].grad.clone()
    shim.finish_update(adam(0.0))
    assert named["types.0.weight"].grad is None
    logits, backprop = shim.begin_update(prompts)
    backprop(torch.ones_like(logits))
    torch.testing.assert_close(2 * named["types.0.weight"].grad, twice, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "optimizer",
    [SGD(0.1, use_averages=False), RAdam(0.1, use_averages=False), Adam(0.1, use_averages=True)],
)
def test_only_adamw_is_taken(shim, optimizer):
    with pytest.raises(ValueError, match=r"\[G401\].*AdamW"):
        shim.finish_update(optimizer)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
def test_a_copy_scores_the_same_and_is_apart(checkpoint, prompts, duplicate):
    shim = GLiNERShim(pytest.fail)
    shim.checkpoint = copy.deepcopy(checkpoint)
    twin = duplicate(shim)
    expected = shim.predict(prompts)
    assert torch.equal(twin.predict(prompts), expected)
    update(twin, prompts, adam())
    assert torch.equal(shim.predict(prompts), expected)


def test_bytes_keep_the_model(shim, prompts):
    other = GLiNERShim(pytest.fail).from_bytes(shim.to_bytes())
    assert torch.equal(other.predict(prompts), shim.predict(prompts))


@pytest.mark.parametrize("onednn", [True, False])
def test_training_takes_fast_functions(shim, prompts, monkeypatch, onednn):
    def count(name, function):
        calls[name] = 0

        def counted(*args, **settings):
            calls[name] += 1
            return function(*args, **settings)

        return counted

    calls: dict[str, int] = {}
    expected = shim.predict(prompts)
    linear = count("linear", checkpoint_shim.fast_linear)
    attention = count("attention", attention_module.stepwise_attention)
    monkeypatch.setattr(checkpoint_shim, "fast_linear", linear)
    monkeypatch.setattr(attention_module, "stepwise_attention", attention)
    monkeypatch.setattr(checkpoint_shim, "has_onednn", lambda: onednn)
    logits, _ = shim.begin_update(prompts)
    assert logits.allclose(expected, atol=1e-4)
    assert (calls["linear"] > 0) == onednn
    assert calls["attention"] > 0
