"""Attention that scores the distances between pieces too (DeBERTa, arXiv 2006.03654, section 3.1).

What is imported here warns of its use of torch: so only those who have such a model import this.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.models.deberta_v2.modeling_deberta_v2 import (
    DisentangledSelfAttention,
    make_log_bucket_position,
)


def distance_places(attention: Any, longest: int) -> Tensor:
    """Where the embeddings of distances stand, from 1 - longest to longest - 1.

    Distances are from a query to a key behind it; those that are far share embeddings.
    *Shape:* (2 longest - 1,)
    """
    distances = torch.arange(1 - longest, longest)
    if attention.position_buckets > 0:
        distances = make_log_bucket_position(
            distances, attention.position_buckets, attention.max_relative_positions
        ).long()
    span = attention.pos_ebd_size
    return (distances + span).clamp(0, 2 * span - 1)


def distance_projections(attention: Any) -> tuple[Any, Any]:
    """The layers that make keys and queries of distances' embeddings."""
    if attention.share_att_key:
        return attention.key_proj, attention.query_proj
    return attention.pos_key_proj, attention.pos_query_proj


def by_head(vectors: Tensor, heads: int) -> Tensor:
    """*Shape:* (n, width) -> (heads, n, head width)"""
    return vectors.unflatten(-1, (heads, -1)).transpose(0, 1)


class NearDistances(DisentangledSelfAttention):
    """For training: only distances that occur are projected and multiplied, once for all rows.

    The original does so with all that there are, and once more for each row.
    """

    def disentangled_attention_bias(
        self,
        query_layer: Tensor,
        key_layer: Tensor,
        relative_pos: Tensor,
        rel_embeddings: Tensor,
        scale_factor: int,
    ) -> Tensor:
        """query_layer, key_layer: *Shape:* (rows x heads, pieces, head width)

        Returns *Shape:* (rows x heads, pieces, pieces)
        """
        # A graph for other runtimes serves rows of any length.
        if torch.onnx.is_in_onnx_export():
            return super().disentangled_attention_bias(
                query_layer, key_layer, relative_pos, rel_embeddings, scale_factor
            )
        heads, (_, n, width) = self.num_attention_heads, query_layer.shape
        places = distance_places(self, n).to(query_layer.device)
        near = rel_embeddings[places[0] : places[-1] + 1]
        to_key, to_query = distance_projections(self)
        scale = (scale_factor * width) ** -0.5
        keys = by_head(scale * to_key(near), heads)[:, places.flip(0) - places[0]]
        queries = by_head(scale * to_query(near), heads)[:, places - places[0]]
        return _scores(query_layer, keys) + _scores(key_layer, queries).transpose(1, 2)


def _scores(pieces: Tensor, distances: Tensor) -> Tensor:
    """Of each piece and the distance to each other one, which are the longest first.

    *Shape:* (rows x heads, n, head width), (heads, 2 n - 1, head width) -> (rows x heads, n, n)
    """
    heads, n, width = len(distances), *pieces.shape[1:]
    every = pieces.view(-1, heads, n, width).transpose(0, 1).reshape(heads, -1, width)
    scores = every @ distances.transpose(1, 2)
    # Piece i stands at distance n - 1 - i + j from piece j: with a column more, rows of
    # one column less bring these under one another.
    scores = F.pad(scores.view(heads, -1, n, 2 * n - 1), (0, 1)).flatten(2)
    scores = scores[..., n - 1 : n - 1 + n * (2 * n - 1)].unflatten(2, (n, 2 * n - 1))[..., :n]
    return scores.transpose(0, 1).flatten(0, 1)


def with_near_distances(transformer: PreTrainedModel) -> PreTrainedModel:
    """The same transformer, a DeBERTa, but for its attention."""
    for layer in transformer.encoder.layer:
        near = NearDistances(transformer.config)
        near.load_state_dict(layer.attention.self.state_dict())
        layer.attention.self = near.train(layer.training)
    return transformer
