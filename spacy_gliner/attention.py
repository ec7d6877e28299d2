"""Attention step by step, for training on a CPU: torch's fused kernels are slower going backward.

Its plain one multiplies in float32 even where bfloat16 is asked for.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def stepwise_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """As torch's own function of this name."""
    if enable_gqa:
        groups = query.size(-3) // key.size(-3)
        key, value = (part.repeat_interleave(groups, dim=-3) for part in (key, value))
    scores = query * (query.size(-1) ** -0.5 if scale is None else scale) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, torch.finfo(scores.dtype).min)
    elif attn_mask is not None:
        scores = scores + attn_mask
    return F.dropout(scores.softmax(-1).to(value.dtype), dropout_p) @ value


def rowwise_attention(
    sizes: list[int], query: Tensor, key: Tensor, value: Tensor, **settings: Any
) -> Tensor:
    """The same for rows of these sizes that stand one behind the other, each of which attends to
    itself alone.

    query, key, value: *Shape:* (..., sum of sizes, head width), and of the result
    """
    parts = (part.split(sizes, dim=-2) for part in (query, key, value))
    rows = zip(*parts, strict=True)
    return torch.cat([stepwise_attention(*row, **settings) for row in rows], dim=-2)
