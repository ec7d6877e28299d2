import pytest
import torch
from torch.nn import functional as F

from spacy_gliner.attention import rowwise_attention, stepwise_attention

SHAPE = (2, 4, 7, 8)


def tensors(*shapes):
    torch.manual_seed(0)
    return [torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes]


CASES = {
    "plain": {},
    "causal": {"is_causal": True},
    "scaled": {"scale": 0.5},
    "some hidden": {"attn_mask": torch.arange(7).view(1, 1, 1, 7) < 5},
    "biased": {"attn_mask": torch.linspace(-1, 1, 49).view(7, 7).double()},
}


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_results_and_gradients_are_those_of_torch(settings):
    inputs = tensors(SHAPE, SHAPE, SHAPE)
    expected = F.scaled_dot_product_attention(*inputs, **settings)
    mixed = stepwise_attention(*inputs, **settings)
    assert mixed.allclose(expected)
    (direction,) = tensors(SHAPE)
    ours = torch.autograd.grad((mixed * direction).sum(), inputs)
    theirs = torch.autograd.grad((expected * direction).sum(), inputs)
    assert all(a.allclose(b) for a, b in zip(ours, theirs, strict=True))


def test_heads_may_share_keys():
    query, key, value = tensors(SHAPE, (2, 2, 7, 8), (2, 2, 7, 8))
    expected = F.scaled_dot_product_attention(query, key, value, enable_gqa=True)
    assert stepwise_attention(query, key, value, enable_gqa=True).allclose(expected)


def test_a_row_that_may_see_nothing_has_numbers():
    query, key, value = tensors(SHAPE, SHAPE, SHAPE)
    nothing = torch.zeros(7, 7, dtype=torch.bool)
    assert stepwise_attention(query, key, value, attn_mask=nothing).isfinite().all()


def test_dropout_hides_some():
    query, key, value = tensors(SHAPE, SHAPE, SHAPE)
    torch.manual_seed(0)
    hidden = stepwise_attention(query, key, torch.ones_like(value), dropout_p=0.5)
    assert hidden.mean().item() == pytest.approx(1.0, abs=0.15)
    assert hidden.std() > 0.1


def test_rows_may_stand_one_behind_the_other():
    sizes = [3, 1, 0, 3]
    inputs = tensors(*[(1, 4, 7, 8)] * 3)
    together = rowwise_attention(sizes, *inputs, scale=0.3)
    rows = zip(*(part.split(sizes, dim=-2) for part in inputs), strict=True)
    apart = [F.scaled_dot_product_attention(*row, scale=0.3) for row in rows]
    assert together.allclose(torch.cat(apart, dim=-2))
