"""Copies of networks for inference on a CPU, whose linear layers compute in a given precision.

oneDNN multiplies them: in float32 it is faster than the library that torch takes, on CPUs of some
makers by far. It is spoken to by the operators that torch's own compiler uses.
"""

import copy
from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

# Activations in int8 have one scale a row; unsigned, since oneDNN has no fast kernels for others.
LARGEST, ZERO = 127, 128


class InferenceCopy(Generic[Network]):
    """A copy of a network: made when it is asked for, and again when the network has learned.

    There is one at a time. It is not saved, sent or copied along with what holds it.
    make: from a network and a precision to the copy.
    """

    def __init__(self, make: Callable[[Network, str], Network]) -> None:
        self._make = make
        self._made: tuple[Any, Network] | None = None

    def get(self, network: Network, precision: str) -> Network:
        # Torch counts the changes of each tensor.
        state = network, precision, [parameter._version for parameter in network.parameters()]
        made = self._made
        if made is None or made[0] != state:
            self._made = None  # so that there are never two
            self._made = made = state, self._make(network, precision)
        return made[1]

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_made": None}


def in_precision(network: Network, precision: str, *, keep: Collection[nn.Module] = ()) -> Network:
    """A copy for inference, which shares all weights but those of linear layers with the network.

    precision: "float32": the same results but for rounding. "bfloat16": inputs and weights of
        linear layers are rounded, and their outputs are bfloat16. "int8": weights have a scale for
        each output, inputs one for each row.
    keep: modules that are not copied but shared, as they are.

    The copy does not follow when the network's weights change.
    """
    copied = sharing_copy(network, keep=keep)
    kept = {id(part) for module in keep for part in module.modules()}
    for module in [*copied.modules()]:
        if id(module) not in kept:
            for name, child in module.named_children():
                if type(child) is nn.Linear and id(child) not in kept:
                    setattr(module, name, _linear(child, precision))
    return copied


def cast_copy(network: Network, dtype: torch.dtype) -> Network:
    """A copy all of whose weights have another type."""
    return copy.deepcopy(network).to(dtype)


def has_onednn() -> bool:
    """Whether torch was built with oneDNN and has the operators that are used here."""
    return torch.backends.mkldnn.is_available() and hasattr(
        torch.ops.mkldnn, "_reorder_linear_weight"
    )


def sharing_copy(network: Network, *, keep: Collection[nn.Module] = ()) -> Network:
    """A copy of the modules, but not of their weights, nor of the modules to keep."""
    shared = [*network.parameters(), *network.buffers(), *keep]
    return copy.deepcopy(network, {id(part): part for part in shared})


def product(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """rows weight^T + bias, without gradients. *Shape:* (..., inputs), (outputs, inputs)"""
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, "none", [], "")


def _linear(linear: nn.Linear, precision: str) -> nn.Module:
    if precision == "int8":
        return Int8Linear(linear)
    return PackedLinear(linear, torch.float32 if precision == "float32" else torch.bfloat16)


class PackedLinear(nn.Module):
    """A linear layer with its weights in the order in which oneDNN reads them."""

    weight = None  # T5 looks for the type of one

    def __init__(self, linear: nn.Linear, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        weight = linear.weight.detach().to(dtype)
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        self.bias = None if linear.bias is None else linear.bias.detach().to(dtype)

    def forward(self, rows: Tensor) -> Tensor:
        """*Shape:* (..., inputs) -> (..., outputs)"""
        return product(rows.to(self.dtype), self.packed, self.bias)


class Int8Linear(nn.Module):
    """A linear layer whose products are of integers; its output has the type of its input."""

    weight = None  # T5 looks for the type of one

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        weight = linear.weight.detach().float()
        self.scales = weight.abs().amax(dim=1).clamp(min=1e-12) / LARGEST
        rounded = (weight / self.scales[:, None]).round().to(torch.int8).contiguous()
        self.packed = torch.ops.onednn.qlinear_prepack(rounded, None)
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.bias = None if linear.bias is None else linear.bias.detach()

    def forward(self, rows: Tensor) -> Tensor:
        """*Shape:* (..., inputs) -> (..., outputs)"""
        scale = rows.abs().amax(dim=-1, keepdim=True).float().clamp(min=1e-12) / LARGEST
        integers = (rows / scale).add_(ZERO).round_().to(torch.uint8)
        products = torch.ops.onednn.qlinear_pointwise(
            *(integers, 1.0, ZERO),
            *(self.packed, self.scales, self.zeros),
            None,  # the bias, which must not be scaled
            *(1.0, 0, torch.float32),
            *("none", [], ""),
        )
        products = products * scale if self.bias is None else self.bias.addcmul(products, scale)
        return products.to(rows.dtype)
