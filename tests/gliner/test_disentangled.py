import copy
from dataclasses import replace

import pytest
import torch
from transformers import AutoModel, DebertaV2Config

from spacy_gliner.gliner.build import build_network

from ..parity.encoders import quiet

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
    "v3": {"position_buckets": 4, "share_att_key": True, "norm_rel_ebd": "layer_norm"},
    "keys apart": {"position_buckets": 4, "share_att_key": False},
    "no buckets": {"share_att_key": True},
}


def both(config):
    torch.manual_seed(0)
    with quiet():
        original = AutoModel.from_config(config).double().eval()
    from spacy_gliner.gliner.disentangled import with_near_distances

    return original, with_near_distances(copy.deepcopy(original)).double()


@pytest.mark.parametrize("length", [1, 2, 17, 60])
@pytest.mark.parametrize("settings", CONFIGS.values(), ids=CONFIGS)
def test_vectors_and_gradients_are_those_of_the_original(settings, length):
    original, near = both(DebertaV2Config(**DEBERTA, **settings))
    ids = torch.randint(50, (3, length))
    mask = (torch.arange(length) < torch.tensor([length, length, length // 2 + 1])[:, None]).long()
    expected, vectors = (
        model(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]
        for model in (original, near)
    )
    assert vectors.allclose(expected, atol=1e-10)
    direction = torch.randn(vectors.shape, dtype=torch.float64)
    for found in (expected, vectors):
        (found * direction).sum().backward()
    theirs, ours = (dict(model.named_parameters()) for model in (original, near))
    assert ours.keys() == theirs.keys()
    for name, weight in theirs.items():
        assert weight.grad is not None and ours[name].grad.allclose(weight.grad, atol=1e-8), name


def test_networks_are_built_with_it(checkpoint):
    config = {"model_type": "deberta-v2", **DEBERTA}
    with quiet():
        network = build_network(replace(checkpoint.config, encoder_config=config))
    kinds = {type(module).__name__ for module in network.encoder.transformer.modules()}
    assert "NearDistances" in kinds
    config["pos_att_type"] = ["c2p"]
    network = build_network(replace(checkpoint.config, encoder_config=config))
    kinds = {type(module).__name__ for module in network.encoder.transformer.modules()}
    assert "DisentangledSelfAttention" in kinds
