import copy
from dataclasses import replace

import pytest
import torch
from transformers import AutoModel

from spacy_gliner.gliner.build import build_network

from ..parity.encoders import quiet
from .test_frozen import CONFIGS as ALL
from .test_frozen import DEBERTA

CONFIGS = {name: config for name, config in ALL.items() if name.startswith("deberta")}


def both(config):
    torch.manual_seed(0)
    with quiet():
        original = AutoModel.from_config(config).double().eval()
    from spacy_gliner.gliner.disentangled import with_near_distances

    return original, with_near_distances(copy.deepcopy(original)).double()


@pytest.mark.parametrize("length", [1, 2, 17, 60])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_vectors_and_gradients_are_those_of_the_original(config, length):
    original, near = both(config)
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
