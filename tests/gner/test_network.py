import pytest
import torch
from torch.nn import functional as F

from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.gner.network import TargetBatch, target_logits

from . import models

# Two rows, the second shorter.
PROMPTS = torch.tensor([[5, 6, 7, 8], [9, 10, 0, 0]])
TARGETS = torch.tensor([[0, 20, 21, 22, 23], [0, 24, 25, 0, 0]])


@pytest.fixture(scope="module", params=["tied T5", "untied T5", "LLaMA"])
def network(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("network")
    if request.param == "LLaMA":
        models.write_llama(folder)
    else:
        models.write_t5(folder, tie_word_embeddings=request.param == "tied T5")
    return GNERCheckpoint.from_disk(folder).network


def make_batch(network, learned: torch.Tensor) -> TargetBatch:
    if network.config.is_encoder_decoder:
        return TargetBatch(PROMPTS, (PROMPTS > 0).long(), TARGETS, learned, torch.tensor([]))
    return TargetBatch(TARGETS, torch.ones_like(TARGETS), None, learned, torch.tensor([]))


def whole_logits(network, batch: TargetBatch) -> torch.Tensor:
    """The library's own, at all places."""
    decoder = {} if batch.decoder_inputs is None else {"decoder_input_ids": batch.decoder_inputs}
    return network(input_ids=batch.inputs, attention_mask=batch.mask, **decoder).logits


def test_logits_are_the_networks_own_where_they_are_asked_for(network):
    learned = torch.tensor([[0, 1, 0, 0, 1], [1, 0, 1, 0, 0]]).bool()
    batch = make_batch(network, learned)
    with torch.inference_mode():
        found, whole = target_logits(network, batch), whole_logits(network, batch)
    rows = [(0, 1), (0, 4), (1, 0), (1, 2)]
    expected = torch.stack([whole[row, column] for row, column in rows])
    assert found.shape == (4, network.config.vocab_size)
    torch.testing.assert_close(found, expected)


def test_the_network_is_left_as_it_was(network):
    batch = make_batch(network, torch.ones_like(TARGETS).bool())
    with torch.inference_mode():
        target_logits(network, batch)
        assert whole_logits(network, batch).shape[:2] == TARGETS.shape


def test_gradients_are_those_of_a_loss_on_the_same_places(network):
    learned = torch.tensor([[1, 1, 0, 0, 0], [0, 0, 1, 0, 0]]).bool()
    batch, labels = make_batch(network, learned), torch.tensor([3, 4, 5])
    weight = network.get_input_embeddings().weight
    gradients = []
    for logits in (target_logits(network, batch), whole_logits(network, batch)[learned]):
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels), weight)
        gradients.append(gradient)
    assert gradients[0].abs().max() > 0
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_padding_makes_no_difference(network):
    batch = make_batch(network, torch.ones_like(TARGETS).bool())
    parts = batch.decoder_inputs is not None
    inputs = slice(2 if parts else 3)
    alone = TargetBatch(
        batch.inputs[1:, inputs],
        batch.mask[1:, inputs],
        TARGETS[1:, :3] if parts else None,
        batch.learned[1:, :3],
        batch.labels,
    )
    with torch.inference_mode():
        logits = target_logits(network, batch)[5:8]
        torch.testing.assert_close(logits, target_logits(network, alone), rtol=1e-4, atol=1e-5)
