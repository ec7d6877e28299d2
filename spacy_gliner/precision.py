"""Copies of a network that compute with numbers of other sizes."""

import warnings
from copy import deepcopy
from typing import TypeVar

import torch
from torch import nn
from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

Network = TypeVar("Network", bound=nn.Module)


def float32(network: Network) -> Network:
    """A copy in full precision."""
    return deepcopy(network).float()


def bfloat16(network: Network) -> Network:
    """A copy of half the size, for inference."""
    return deepcopy(network).to(torch.bfloat16)


def int8(network: Network) -> Network:
    """A copy whose linear layers have weights of 8 bits, for inference on a CPU.

    Each row of a matrix has a scale of its own; activations are scaled as they come.
    """
    with warnings.catch_warnings():
        # What torch announces for a later release; the one to use is pinned.
        warnings.simplefilter("ignore")
        return quantize_dynamic(
            float32(network), {nn.Linear: per_channel_dynamic_qconfig}, inplace=True
        )


COPIES = {"float32": float32, "bfloat16": bfloat16, "int8": int8}
