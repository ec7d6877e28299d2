"""Bi-encoders: labels are read apart from the text, by an encoder of their own."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..errors import Errors
from .config import GLiNERConfig
from .encoder import PieceEncoder, PromptEncoder, pool
from .pieces import Pieces, pad, unlimited
from .prompt import Prompts, RowBuilder

# Labels that are read at once, and labels whose vectors are kept.
LABEL_BATCH = 64
CACHE_SIZE = 10_000


class BiRowBuilder(RowBuilder):
    """Lays out rows of words alone; the labels of a batch stand beside them, each once."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        config: GLiNERConfig,
        label_tokenizer: PreTrainedTokenizerFast,
    ) -> None:
        super().__init__(tokenizer, last_pieces=config.subtoken_pooling == "last")
        self.label_tokenizer = label_tokenizer
        unlimited(label_tokenizer)

    def types(self, label_sets: Sequence[Sequence[str]]) -> list[Pieces]:
        return [Pieces.join(map(self._label, labels)) for labels in label_sets]

    def head(self, types: Pieces) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(0, dtype=np.int64), np.zeros(len(types), dtype=np.int64)

    def head_size(self, types: Pieces) -> int:
        return 0

    def batch(self, rows: Sequence[tuple[Pieces, Pieces]]) -> Prompts:
        """As `RowBuilder.batch`. Where all rows have the same types, they stand there once."""
        # Most often one label set is asked of all rows, and is one object.
        sets = {id(types): types for types, _ in rows}
        numbers: dict[bytes, int] = {}
        places = {
            key: np.array([numbers.setdefault(unit, len(numbers)) for unit in units(types)])
            for key, types in sets.items()
        }
        owners = [id(types) for types, _ in rows] if len(sets) > 1 else list(sets)
        prompts = super().batch(rows)
        return replace(
            prompts,
            type_positions=pad([places[key] for key in owners], prompts.type_positions.size(1), 0),
            labels=Pieces.join(np.frombuffer(unit, dtype=np.int64) for unit in numbers),
        )

    def _label(self, label: str) -> list[int]:
        ids = self.label_tokenizer.backend_tokenizer.encode(label).ids
        room = self.label_tokenizer.model_max_length
        if len(ids) > room:
            raise ValueError(Errors.G015.format(name=label, size=len(ids), room=room))
        return ids


class BiEncoder(PromptEncoder):
    """Two encoders: one reads the words, the other the labels, whose vector is their pieces' mean.

    Without gradients a label is read once, and its vector kept in the cache.
    """

    def __init__(
        self,
        transformer: PreTrainedModel,
        hidden_size: int,
        *,
        labels: PieceEncoder,
        dropout: float = 0.0,
        pooling: str = "first",
        fuse_layers: bool = False,
    ) -> None:
        super().__init__(
            transformer, hidden_size, dropout=dropout, pooling=pooling, fuse_layers=fuse_layers
        )
        self.labels = labels
        self.cache: dict[bytes, Tensor] = {}

    def forward(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Vectors of types and words; of types one row only, if all rows have the same.

        *Shape:* (rows or 1, types, hidden_size), (rows, words, hidden_size)
        """
        assert prompts.labels is not None
        pieces = self.dropout(self.encode(prompts.input_ids, prompts.attention_mask))
        vectors = self.label_vectors(prompts.labels)
        return vectors[prompts.type_positions], pool(pieces, prompts, self.pooling)

    def train(self, mode: bool = True) -> "BiEncoder":
        """As for any module; training makes the kept vectors stale."""
        if mode:
            self.cache.clear()
        super().train(mode)
        return self

    def label_vectors(self, labels: Pieces) -> Tensor:
        """*Shape:* (labels, hidden_size)"""
        if torch.is_grad_enabled():
            return self._read(list(units(labels)))
        wanted = list(units(labels))
        missing = [unit for unit in wanted if unit not in self.cache]
        for start in range(0, len(missing), LABEL_BATCH):
            batch = missing[start : start + LABEL_BATCH]
            self.cache.update(zip(batch, self._read(batch), strict=True))
        vectors = torch.stack([self.cache[unit] for unit in wanted])
        for unit in list(self.cache)[: max(0, len(self.cache) - CACHE_SIZE)]:
            self.cache.pop(unit, None)
        return vectors

    def _read(self, labels: Sequence[bytes]) -> Tensor:
        """The vectors of labels, always in full precision. *Shape:* (labels, hidden_size)"""
        device = next(self.parameters()).device
        rows = [np.frombuffer(label, dtype=np.int64) for label in labels]
        lengths = torch.tensor([len(row) for row in rows])
        longest = int(lengths.max())
        mask = (torch.arange(longest)[None] < lengths[:, None]).long().to(device)
        with torch.autocast(device.type, enabled=False):
            pieces = self.labels.encode(pad(rows, longest, 0).to(device), mask)
        weights = mask[..., None].to(pieces.dtype)
        return (pieces * weights).sum(1) / weights.sum(1)


def units(pieces: Pieces) -> Iterator[bytes]:
    """The ids of each unit, as a key."""
    for start, stop in zip(pieces.offsets[:-1], pieces.offsets[1:], strict=True):
        yield pieces.ids[start:stop].tobytes()
