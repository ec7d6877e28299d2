"""Keys and values of sequences that grow each at its own pace."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import Cache

# Buffers grow by so many positions, so that they are seldom copied.
GROWTH = 64


class RowCache(Cache):
    """A cache in which a piece's place is its position in its row, whatever the others' lengths.

    Nothing needs to be removed: what lies behind a row's end is hidden from its queries (`hidden`),
    and is overwritten when the row grows again.
    """

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._positions = torch.zeros(0, 0, dtype=torch.long)

    @property
    def width(self) -> int:
        """One more than the last position of this step."""
        return int(self._positions.max()) + 1

    def place(self, positions: Tensor) -> None:
        """Say where the pieces of the next step stand. *Shape:* (rows, pieces)"""
        self._positions = positions

    def hidden(self) -> Tensor:
        """How far behind each piece of this step a key stands; those before it are not hidden.

        *Shape:* (rows, pieces, width): the key's position less the piece's.
        """
        keys = torch.arange(self.width, device=self._positions.device)
        return keys - self._positions[..., None]

    def select(self, rows: Sequence[int]) -> None:
        """Go on with these rows, in this order; one may be taken more than once."""
        for tensors in (self._keys, self._values):
            for layer, tensor in enumerate(tensors):
                tensors[layer] = tensor[torch.tensor(rows, device=tensor.device)]

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, cache_kwargs: Any = None
    ) -> tuple[Tensor, Tensor]:
        """Store a layer's keys and values, and return all. *Shape:* (rows, heads, width, depth)"""
        if layer_idx == len(self._keys):
            self._keys.append(key_states[:, :, :0])
            self._values.append(value_states[:, :, :0])
        keys = self._put(self._keys, layer_idx, key_states)
        return keys, self._put(self._values, layer_idx, value_states)

    def get_seq_length(self, layer_idx: int | None = 0) -> int:
        return self._keys[0].shape[2] if self._keys else 0

    def _put(self, tensors: list[Tensor], layer: int, new: Tensor) -> Tensor:
        lacking = self.width - tensors[layer].shape[2]
        if lacking > 0:
            room = new.new_zeros(*new.shape[:2], lacking + GROWTH, new.shape[3])
            tensors[layer] = torch.cat([tensors[layer], room], dim=2)
        rows = torch.arange(len(new), device=new.device)[:, None]
        tensors[layer][rows, :, self._positions] = new.transpose(1, 2)
        return tensors[layer][:, :, : self.width]
