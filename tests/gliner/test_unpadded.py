"""Without padding, training sees the same vectors and gradients."""

import pytest
import torch
from transformers import AutoModel, BertConfig, DistilBertConfig, RobertaConfig

from spacy_gliner.gliner import encoder
from spacy_gliner.gliner.encoder import PromptEncoder
from spacy_gliner.gliner.unpadded import encode_unpadded, reads_unpadded

from ..parity.encoders import quiet
from .test_frozen import SHAPE

BIG = BertConfig(**{**SHAPE, "vocab_size": 30_000})
CONFIGS = {
    "bert": BertConfig(**SHAPE),
    "roberta": RobertaConfig(**SHAPE, pad_token_id=0),
}
OTHERS = {
    "relative keys": BertConfig(**SHAPE, position_embedding_type="relative_key"),
    "eager": BertConfig(**SHAPE, attn_implementation="eager"),
    "distilbert": DistilBertConfig(vocab_size=50, dim=24, n_layers=1, n_heads=2, hidden_dim=40),
}
# Of rows; the second ones need no rounding.
SIZES = [(3, 19, 1, 10), (3, 19, 10)]


def transformer(config):
    torch.manual_seed(0)
    with quiet():
        return AutoModel.from_config(config).double()


def batch(sizes):
    mask = (torch.arange(max(sizes)) < torch.tensor(sizes)[:, None]).long()
    return torch.randint(1, 50, mask.shape) * mask, mask


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("name", CONFIGS)
def test_vectors_and_gradients_are_those_of_the_model(name, sizes):
    model = transformer(CONFIGS[name]).eval()
    ids, mask = batch(sizes)
    assert reads_unpadded(model)
    expected = model(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]
    found = encode_unpadded(model, ids, mask)
    torch.testing.assert_close(found, expected)
    direction = torch.randn_like(expected)
    weights = [weight for name, weight in model.named_parameters() if "pooler" not in name]
    ours = torch.autograd.grad((found * direction).sum(), weights)
    theirs = torch.autograd.grad((expected * direction).sum(), weights)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_are_read_as_they_are(name):
    assert not reads_unpadded(transformer(OTHERS[name]))


def test_layers_that_are_computed_again_are_read_as_they_are():
    model = transformer(CONFIGS["bert"])
    model.gradient_checkpointing_enable()
    assert not reads_unpadded(model)


@pytest.mark.parametrize(
    ("training", "fuse_layers", "unpadded"),
    [(True, False, True), (False, False, False), (True, True, False)],
)
def test_padding_is_left_out_in_training_only(
    checkpoint, monkeypatch, training, fuse_layers, unpadded
):
    read = []

    def watch(*args):
        read.append(args)
        return encode_unpadded(*args)

    monkeypatch.setattr(encoder, "encode_unpadded", watch)
    builder = checkpoint.prompts
    types, words = builder.types([["city"]]), builder.units([["Oslo", "is", "here"]])
    model = PromptEncoder(transformer(BIG), SHAPE["hidden_size"], fuse_layers=fuse_layers)
    model.double().train(training)(builder.batch([(types[0], words[0])]))
    assert bool(read) == unpadded
