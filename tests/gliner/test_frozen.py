"""What is computed for inference on a CPU is what the network says."""

import copy
import pickle

import pytest
import torch
from transformers import AutoModel, BertConfig, DebertaV2Config, DistilBertConfig

from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.frozen import freeze
from spacy_gliner.gliner.packed import PackedTransformer, packed
from spacy_gliner.precision import InferenceCopy
from spacy_gliner.shim import GLiNERShim

from ..parity.encoders import quiet
from .test_variants import ROWS, VARIANTS, make
from .variants import score

SHAPE = {
    "vocab_size": 50,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 40,
    "initializer_range": 0.3,
}
DEBERTA = {
    "type_vocab_size": 0,
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "max_position_embeddings": 64,
    **SHAPE,
}
CONFIGS = {
    "bert": BertConfig(**SHAPE),
    "deberta v3": DebertaV2Config(
        **DEBERTA, position_buckets=4, share_att_key=True, norm_rel_ebd="layer_norm"
    ),
    "deberta, keys apart": DebertaV2Config(**DEBERTA, position_buckets=4, share_att_key=False),
    "deberta, no buckets": DebertaV2Config(**DEBERTA, share_att_key=True),
}
OTHERS = {
    "distances to keys only": DebertaV2Config(**{**DEBERTA, "pos_att_type": ["c2p"]}),
    "relative keys": BertConfig(**SHAPE, position_embedding_type="relative_key"),
    "distilbert": DistilBertConfig(vocab_size=50, dim=24, n_layers=1, n_heads=2, hidden_dim=40),
}


def transformer(config):
    torch.manual_seed(0)
    with quiet():
        return AutoModel.from_config(config).eval()


@torch.inference_mode()
@pytest.mark.parametrize("name", CONFIGS)
def test_without_padding_vectors_are_the_same(name, monkeypatch):
    """Rows are shorter and longer than that for which attention is computed in its parts, and than
    those pieces whose distances are scored at once.
    """
    monkeypatch.setattr("spacy_gliner.gliner.packed.SHORT_ROW", 15)
    monkeypatch.setattr("spacy_gliner.gliner.packed.BLOCK", 16)
    original = transformer(CONFIGS[name])
    without = packed(original)
    assert isinstance(without, PackedTransformer)
    sizes = [1, 40, 17, 2]
    mask = (torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]).long()
    ids = torch.randint(50, mask.shape) * mask
    expected = original(input_ids=ids, attention_mask=mask).last_hidden_state
    wanted = mask.bool() & (torch.rand(mask.shape) < 0.5)
    vectors = without(ids, mask, wanted)
    assert vectors[wanted].allclose(expected[wanted], atol=1e-5)
    assert not vectors[~wanted].any()


@pytest.mark.parametrize("name", OTHERS)
def test_transformers_that_are_not_known_stay_as_they_are(name):
    original = transformer(OTHERS[name])
    assert packed(original) is original


@pytest.mark.parametrize("name", VARIANTS)
def test_a_frozen_network_gives_the_same_logits(checkpoint, name, monkeypatch):
    monkeypatch.setattr("spacy_gliner.gliner.frozen.WORDS", 2)
    made = make(checkpoint, name)
    expected = score(made, ROWS)
    logits = score(Checkpoint(made.config, freeze(made.network, "float32"), made.prompts), ROWS)
    assert real(logits).allclose(real(expected), atol=1e-4)
    half = score(Checkpoint(made.config, freeze(made.network, "bfloat16"), made.prompts), ROWS)
    assert half.dtype == torch.float32
    assert real(half).allclose(real(expected), atol=0.1 * real(expected).abs().max().item())
    assert torch.equal(score(made, ROWS), expected)


def real(logits):
    """Scores of spans and types that are there, in all rows."""
    parts = [logits[row, : len(words), :, : len(types)] for row, (types, words) in enumerate(ROWS)]
    return torch.cat([part.flatten() for part in parts])


def test_what_is_frozen_follows_what_is_learned(checkpoint):
    network = copy.deepcopy(checkpoint.network)
    made = InferenceCopy(freeze)
    frozen = made.get(network, "float32")
    assert made.get(network, "float32") is frozen
    assert made.get(network, "bfloat16") is not frozen
    with torch.no_grad():
        network.scorer.project_start[0].bias += 1
    again = made.get(network, "float32")
    assert again is not frozen
    assert made.get(network, "float32") is again


def test_nothing_frozen_is_saved_or_copied(checkpoint):
    made = InferenceCopy(freeze)
    made.get(checkpoint.network, "float32")
    assert len(pickle.dumps(made)) < 1000
    assert copy.deepcopy(made).__dict__ == {"_make": freeze, "_made": None}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_without_onednn_the_network_itself_is_used(checkpoint, monkeypatch, precision):
    shim = GLiNERShim(lambda: checkpoint)
    types = checkpoint.prompts.types([types for types, _ in ROWS])
    words = checkpoint.prompts.units([words for _, words in ROWS])
    batch = checkpoint.prompts.batch(list(zip(types, words, strict=True)))
    frozen = shim.predict(batch, precision)
    monkeypatch.setattr("spacy_gliner.shim.has_onednn", lambda: False)
    monkeypatch.setattr(InferenceCopy, "get", pytest.fail)
    logits = shim.predict(batch, precision)
    assert real(logits.float()).allclose(real(frozen), atol=1e-5 if precision == "float32" else 0.5)
