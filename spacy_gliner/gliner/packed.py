"""Transformers for inference on a CPU: rows one after the other, without padding.

Attention is computed a row at a time, so that what it needs stays in the processor's cache.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PretrainedConfig, PreTrainedModel
from transformers.activations import GELUActivation

from .pieces import round_up

Weights = tuple[Tensor, Tensor]
BERTS = ("bert", "roberta", "xlm-roberta")
# Pieces of the longest row for which torch's fused attention is slower than its parts.
SHORT_ROW = 128
# Pieces of longer ones whose distances are scored at once.
BLOCK = 64


def packed(transformer: PreTrainedModel) -> "PreTrainedModel | PackedTransformer":
    """The same transformer without padding, or itself if it is of a kind that is not known here."""
    config = transformer.config
    if is_bert(config):
        make = _attention
    elif is_disentangled(config):
        make = partial(_disentangled, distances=transformer.encoder.get_rel_embedding())
    else:
        return transformer
    return PackedTransformer(transformer, make)


class PackedTransformer(nn.Module):
    """The original's embeddings and layers, on the pieces of all rows."""

    def __init__(self, transformer: Any, attention: Callable[[Any], "Attention"]) -> None:
        super().__init__()
        self.embeddings = transformer.embeddings
        self.layers = nn.ModuleList(
            PackedLayer(attention(layer.attention.self), layer)
            for layer in transformer.encoder.layer
        )

    def forward(self, input_ids: Tensor, attention_mask: Tensor, wanted: Tensor) -> Tensor:
        """The vectors of the last layer of the pieces that are wanted; zeros for all others.

        input_ids, attention_mask, wanted: *Shape:* (rows, pieces)
        Returns *Shape:* (rows, pieces, width)
        """
        real = attention_mask.bool()
        sizes = attention_mask.sum(dim=1).tolist()
        padded = self.embeddings(input_ids)
        pieces = F.pad(padded[real], (0, 0, 0, round_up(sum(sizes)) - sum(sizes)))
        *layers, last = self.layers
        for layer in layers:
            pieces = layer(pieces, sizes)
        places = wanted[real].nonzero()[:, 0]
        rounded = F.pad(places, (0, round_up(len(places)) - len(places)))
        vectors = torch.zeros_like(padded)
        vectors[wanted] = last(pieces, sizes, rounded)[: len(places)]
        return vectors


class PackedLayer(nn.Module):
    """The original without dropout, and with another attention."""

    def __init__(self, attention: "Attention", layer: Any) -> None:
        super().__init__()
        self.attention = attention
        self.mix, self.mix_norm = layer.attention.output.dense, layer.attention.output.LayerNorm
        activation = layer.intermediate.intermediate_act_fn
        if isinstance(activation, GELUActivation):
            activation = nn.GELU()
        self.widen = nn.Sequential(layer.intermediate.dense, activation)
        self.narrow, self.norm = layer.output.dense, layer.output.LayerNorm

    def forward(self, pieces: Tensor, sizes: list[int], wanted: Tensor | None = None) -> Tensor:
        """pieces: of all rows, and perhaps a few that nobody reads. *Shape:* (pieces, width)

        sizes: the number of each row's.
        wanted: the places of those whose vectors are returned, all if not given. *Shape:* (n,)
        """
        mixed = self.attention(pieces, sizes)
        if wanted is not None:
            mixed, pieces = mixed[wanted], pieces[wanted]
        pieces = self.mix_norm(self.mix(mixed) + pieces)
        return self.norm(self.narrow(self.widen(pieces)) + pieces)


class Attention(nn.Module):
    """Attention of many heads, each row's pieces to each other.

    Scores must be scaled by the queries: here nothing else is.

    query, key, value: weight and bias of each projection; they become one layer.
    """

    def __init__(self, query: Weights, key: Weights, value: Weights, *, heads: int) -> None:
        super().__init__()
        self.heads = heads
        weight, bias = (torch.cat(parts) for parts in zip(query, key, value, strict=True))
        self.projection = nn.Linear(weight.size(1), weight.size(0), device="meta")
        self.projection.weight = nn.Parameter(weight, requires_grad=False)
        self.projection.bias = nn.Parameter(bias, requires_grad=False)

    def forward(self, pieces: Tensor, sizes: list[int]) -> Tensor:
        """As `PackedLayer`. *Shape:* (pieces, width) -> (pieces, width)"""
        # Attention is faster in float32, whatever the projections are computed in.
        projected = self.projection(pieces).float().view(len(pieces), 3, self.heads, -1)
        constants = self.constants(max(sizes))
        rows = projected[: sum(sizes)].split(sizes)
        mixed = [self.attend(*row.permute(1, 2, 0, 3), *constants) for row in rows]
        unused = mixed[0].new_zeros(len(pieces) - sum(sizes), mixed[0].size(1))
        return torch.cat([*mixed, unused])

    def constants(self, longest: int) -> tuple[Tensor, ...]:
        """What `attend` takes besides, for rows of at most so many pieces."""
        return ()

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *constants: Tensor) -> Tensor:
        """Of one row. *Shape:* (heads, pieces, head width) each -> (pieces, width)"""
        return _attend(query, key, value)


class DisentangledAttention(Attention):
    """Attention that scores distances too (DeBERTa, arXiv 2006.03654, section 3.1).

    distance_keys, distance_queries: the projections of the distances' embeddings, which do not
        depend on the text. *Shape:* (heads, distances, head width)
    places: as `distance_places`.
    """

    def __init__(
        self,
        *projections: Weights,
        heads: int,
        distance_keys: Tensor,
        distance_queries: Tensor,
        places: Callable[[int], Tensor],
    ) -> None:
        super().__init__(*projections, heads=heads)
        self.distance_keys = distance_keys
        self.distance_queries = distance_queries
        self.places = places

    def constants(self, longest: int) -> tuple[Tensor, ...]:
        """Keys from the longest distance to the shortest, and queries the other way round.

        *Shape:* (heads, 2 longest - 1, head width)
        """
        places = self.places(longest)
        return self.distance_keys[:, places.flip(0)], self.distance_queries[:, places]

    def attend(self, query: Tensor, key: Tensor, value: Tensor, *constants: Tensor) -> Tensor:
        distance_keys, distance_queries = constants
        spare = (distance_keys.size(1) + 1) // 2 - query.size(1)
        distances = slice(spare, distance_keys.size(1) - spare)
        bias = _distance_scores(query, distance_keys[:, distances])
        bias = bias + _distance_scores(key, distance_queries[:, distances]).transpose(1, 2)
        return _attend(query, key, value, bias)


def _distance_scores(pieces: Tensor, distances: Tensor) -> Tensor:
    """Of each piece and its distance to each, which are the longest first.

    In long rows of some pieces at a time: each of them needs only half of all distances.

    *Shape:* (heads, n, head width), (heads, 2 n - 1, head width) -> (heads, n, n)
    """
    n = pieces.size(1)
    if n <= SHORT_ROW:
        return _diagonals(pieces @ distances.transpose(1, 2))
    parts = []
    for start in range(0, n, BLOCK):
        part = pieces[:, start : start + BLOCK]
        near = distances[:, max(0, n - start - BLOCK) : 2 * n - 1 - start]
        parts.append(_diagonals(part @ near.transpose(1, 2)))
    return torch.cat(parts, dim=1)


def _diagonals(scores: Tensor) -> Tensor:
    """From scores of relative places to those of absolute ones: (i, j) is at (i, m - 1 - i + j).

    *Shape:* (heads, m, n + m - 1) -> (heads, m, n), without a copy
    """
    heads, m, width = scores.shape
    shape = (heads, m, width + 1 - m)
    return scores.as_strided(shape, (m * width, width - 1, 1), m - 1)


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """*Shape:* (heads, pieces, head width) each, (heads, pieces, pieces) -> (pieces, width)"""
    if query.size(1) <= SHORT_ROW:
        scores = query @ key.transpose(1, 2)
        scores = scores if bias is None else scores.add_(bias)
        mixed = scores.softmax(dim=-1) @ value
    else:
        bias = None if bias is None else bias[None]
        (mixed,) = F.scaled_dot_product_attention(
            query[None], key[None], value[None], attn_mask=bias, scale=1.0
        )
    return mixed.transpose(0, 1).flatten(1)


def _attention(original: Any) -> Attention:
    return Attention(
        _scaled(original.query, original.attention_head_size**-0.5),
        _weights(original.key),
        _weights(original.value),
        heads=original.num_attention_heads,
    )


def is_bert(config: PretrainedConfig) -> bool:
    """Whether the layers are those of BERT, which know no places."""
    return config.model_type in BERTS and config.position_embedding_type == "absolute"


def is_disentangled(config: PretrainedConfig) -> bool:
    """Whether distances are scored from queries to keys and back, as in DeBERTa v3 and most others
    of the family.
    """
    if config.model_type != "deberta-v2" or not config.relative_attention:
        return False
    scores_both = sorted(config.pos_att_type or ()) == ["c2p", "p2c"]
    return scores_both and not getattr(config, "conv_kernel_size", 0)


def _disentangled(original: Any, distances: Tensor) -> DisentangledAttention:
    """distances: their embeddings. *Shape:* (distances, width)"""
    from .disentangled import by_head, distance_places, distance_projections

    heads = original.num_attention_heads
    scale = (3 * original.attention_head_size) ** -0.5
    to_key, to_query = distance_projections(original)
    near = distances[: 2 * original.pos_ebd_size]
    return DisentangledAttention(
        _scaled(original.query_proj, scale),
        _weights(original.key_proj),
        _weights(original.value_proj),
        heads=heads,
        distance_keys=by_head(to_key(near), heads),
        distance_queries=by_head(scale * to_query(near), heads),
        places=partial(distance_places, original),
    )


def _weights(linear: nn.Linear) -> Weights:
    return linear.weight.detach(), linear.bias.detach()


def _scaled(linear: nn.Linear, scale: float) -> Weights:
    return scale * linear.weight.detach(), scale * linear.bias.detach()
