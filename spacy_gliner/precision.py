"""Copies of networks for inference on a CPU, whose linear layers compute in a given precision.

oneDNN multiplies them: in float32 it is faster than the library that torch takes, on CPUs of some
makers by far. It is spoken to by the operators that torch's own compiler uses.
"""

import copy
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)

# Activations in int8 have one scale a row, and stand for numbers around ZERO.
LARGEST, ZERO = 127, 128
# The number that stands for it among kinds of recurrent layers.
LSTM = 2
# What oneDNN computes along with a product, by its names.
ACTIVATIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.GELU: "gelu"}


class InferenceCopy(Generic[Network]):
    """A copy of a network: made when it is asked for, and again when the network has learned.

    There is one at a time. It is not saved, sent or copied along with what holds it.
    make: from a network and a precision to the copy.
    """

    def __init__(self, make: Callable[[Network, str], Network]) -> None:
        self._make = make
        self._made: _Made[Network] | None = None

    def get(self, network: Network, precision: str) -> Network:
        made = self._made
        if made is None or not made.serves(network, precision):
            self._made = None  # so that there are never two
            weights = list(network.parameters())
            copied = self._make(network, precision)
            self._made = made = _Made(copied, network, precision, weights, _changes(weights))
        return made.copied

    def __getstate__(self) -> dict[str, Any]:
        return {"_make": self._make, "_made": None}


@dataclass(frozen=True, eq=False)
class _Made(Generic[Network]):
    """A copy, and what it was made of: the weights, changed so often as they were then."""

    copied: Network
    network: Network
    precision: str
    weights: list[nn.Parameter]
    changes: list[int]

    def serves(self, network: Network, precision: str) -> bool:
        same = network is self.network and precision == self.precision
        return same and _changes(self.weights) == self.changes


def _changes(weights: list[nn.Parameter]) -> list[int]:
    """Torch counts the changes of each tensor."""
    return [weight._version for weight in weights]


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
            if isinstance(module, nn.Sequential):
                _fuse(module)
    return copied


def cast_copy(network: Network, dtype: torch.dtype) -> Network:
    """A copy all of whose weights have another type."""
    return copy.deepcopy(network).to(dtype)


def has_onednn() -> bool:
    """Whether torch was built with oneDNN and has the operators that are used here."""
    operators = ("_reorder_linear_weight", "_reorder_mkldnn_rnn_layer_weight")
    has_all = all(hasattr(torch.ops.mkldnn, name) for name in operators)
    return torch.backends.mkldnn.is_available() and has_all


def sharing_copy(network: Network, *, keep: Collection[nn.Module] = ()) -> Network:
    """A copy of the modules, but not of their weights, nor of the modules to keep."""
    shared = [*network.parameters(), *network.buffers(), *keep]
    return copy.deepcopy(network, {id(part): part for part in shared})


def product(
    rows: Tensor, weight: Tensor, bias: Tensor | None = None, *, activation: str = "none"
) -> Tensor:
    """activation(rows weight^T + bias), without gradients.

    *Shape:* (..., inputs), (outputs, inputs) -> (..., outputs)
    """
    return torch.ops.mkldnn._linear_pointwise(rows, weight, bias, activation, [], "none")


def _fuse(layers: nn.Sequential) -> None:
    """Let linear layers compute the activations that follow them."""
    for before, activation in zip([*layers], [*layers][1:], strict=False):
        if isinstance(before, PackedLinear) and type(activation) in ACTIVATIONS:
            before.activation = ACTIVATIONS[type(activation)]
            del layers[[*layers].index(activation)]


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
        self.activation = "none"
        weight = linear.weight.detach().to(dtype)
        self.packed = torch.ops.mkldnn._reorder_linear_weight(weight)
        self.bias = None if linear.bias is None else linear.bias.detach().to(dtype)

    def forward(self, rows: Tensor) -> Tensor:
        """*Shape:* (..., inputs) -> (..., outputs)"""
        return product(rows.to(self.dtype), self.packed, self.bias, activation=self.activation)


class PackedLSTM(nn.Module):
    """An LSTM of one layer and one direction, batch first, with its weights in oneDNN's order.

    Putting them there takes longer than a short text.
    """

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.hidden_size = lstm.hidden_size
        parameters = [weight.detach() for weight in lstm.parameters()]
        of_input, of_state, *self.biases = parameters
        self.packed = torch.ops.mkldnn._reorder_mkldnn_rnn_layer_weight(
            of_input, of_state, lstm.hidden_size, False, True, False
        )

    def forward(self, rows: Tensor) -> tuple[Tensor, None]:
        """*Shape:* (rows, length, inputs) -> (rows, length, hidden_size)"""
        steps = rows.transpose(0, 1).contiguous()
        zeros = rows.new_zeros(len(rows), self.hidden_size)
        states, *_ = torch.ops.aten.mkldnn_rnn_layer(
            *(steps, *self.packed, *self.biases, zeros, zeros),
            *(False, [], LSTM, self.hidden_size, 1, True, False, False, False),
        )
        return states.transpose(0, 1), None


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
        # Torch is slow to make unsigned integers, and oneDNN has no fast kernels for others.
        signed = (rows * (1 / scale)).round_().to(torch.int8)
        integers = signed.view(torch.uint8).add_(ZERO)
        products = torch.ops.onednn.qlinear_pointwise(
            *(integers, 1.0, ZERO),
            *(self.packed, self.scales, self.zeros),
            None,  # the bias, which must not be scaled
            *(1.0, 0, torch.float32),
            *("none", [], ""),
        )
        products = products * scale if self.bias is None else self.bias.addcmul(products, scale)
        return products.to(rows.dtype)
