import pytest
import torch
from torch.nn import functional as F

from spacy_gliner.linear import fast_linear

ROWS, WEIGHT, BIAS = (3, 5, 24), (16, 24), (16,)


def tensors(*shapes):
    torch.manual_seed(0)
    return [torch.randn(shape, requires_grad=True) for shape in shapes]


@pytest.mark.parametrize("shapes", [(ROWS, WEIGHT, BIAS), (ROWS, WEIGHT), ((7, 24), WEIGHT, BIAS)])
def test_results_and_gradients_are_those_of_torch(shapes):
    inputs = tensors(*shapes)
    expected, found = F.linear(*inputs), fast_linear(*inputs)
    torch.testing.assert_close(found, expected)
    (direction,) = tensors(expected.shape)
    ours = torch.autograd.grad((found * direction).sum(), inputs)
    theirs = torch.autograd.grad((expected * direction).sum(), inputs)
    torch.testing.assert_close(ours, theirs)


def test_only_what_is_asked_for_has_a_gradient():
    rows, weight, bias = tensors(ROWS, WEIGHT, BIAS)
    fast_linear(rows, weight.detach(), bias).sum().backward()
    assert bias.grad.tolist() == [15.0] * 16
    assert rows.grad.allclose(weight.sum(dim=0).expand(ROWS), atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, weight: (rows, weight[:, :24]),
        lambda rows, weight: (rows.double(), weight[:, :24].contiguous().double()),
        lambda rows, weight: (rows[0, 0], weight[:, :24].contiguous()),
        lambda rows, weight: (rows[:0], weight[:, :24].contiguous()),
        lambda rows, weight: (rows, weight[0, :24]),
    ],
    ids=["a part of other weights", "float64", "a vector", "nothing", "weights of one output"],
)
def test_torch_computes_what_does_not_suit(change):
    rows, weight = change(*tensors(ROWS, (16, 48)))
    found = fast_linear(rows, weight)
    assert "_Linear" not in found.grad_fn.name()
    assert found.equal(F.linear(rows, weight))


def test_autocast_has_its_own():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert fast_linear(*tensors(ROWS, WEIGHT, BIAS)).dtype == torch.bfloat16
