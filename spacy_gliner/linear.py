"""Linear layers for training on a CPU in float32.

oneDNN multiplies faster than the library that torch takes, on CPUs of some makers.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from .precision import product


def fast_linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """As torch's `linear`."""
    # Autocast has kernels of its own, and oneDNN is very slow with parts of other weights.
    is_float32 = rows.dtype == weight.dtype == torch.float32
    is_plain = rows.dim() > 1 and rows.numel() > 0 and weight.dim() == 2 and weight.is_contiguous()
    if is_float32 and is_plain and not torch.is_autocast_enabled("cpu"):
        return _Linear.apply(rows, weight, bias)
    return F.linear(rows, weight, bias)


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(rows, weight)
        return product(rows, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight = ctx.saved_tensors
        of_rows, of_weight, of_bias = ctx.needs_input_grad
        flat = gradient.flatten(0, -2)
        # For the gradient of the weights, torch's product is as fast.
        return (
            product(gradient.contiguous(), weight.T) if of_rows else None,
            flat.T @ rows.flatten(0, -2) if of_weight else None,
            flat.sum(dim=0) if of_bias else None,
        )
