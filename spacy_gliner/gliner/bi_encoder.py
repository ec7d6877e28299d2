"""Bi-encoders: the text is read without the labels, and the labels by an encoder of their own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from .config import GLiNERConfig
from .encoder import PromptEncoder, pool, word_pieces
from .labels import LabelEncoder, LabelReader
from .pieces import LABEL_TOKENIZER_FOLDER, Pieces
from .prompt import Prompts, RowBuilder


class BiRowBuilder(RowBuilder):
    """Lays out rows of words alone; the labels of a batch stand beside them."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        config: GLiNERConfig,
        label_tokenizer: PreTrainedTokenizerFast,
    ) -> None:
        super().__init__(tokenizer, last_pieces=config.subtoken_pooling == "last")
        self.labels = LabelReader(label_tokenizer)

    def to_disk(self, folder: Path) -> None:
        super().to_disk(folder)
        self.labels.tokenizer.save_pretrained(folder / LABEL_TOKENIZER_FOLDER, legacy_format=False)

    def types(self, label_sets: Sequence[Sequence[str]]) -> list[Pieces]:
        return self.labels.types(label_sets)

    def head(self, types: Pieces) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros(0, dtype=np.int64), np.zeros(len(types), dtype=np.int64)

    def head_size(self, types: Pieces) -> int:
        return 0

    def batch(self, rows: Sequence[tuple[Pieces, Pieces]]) -> Prompts:
        type_positions, labels = self.labels.batch([types for types, _ in rows])
        return replace(super().batch(rows), type_positions=type_positions, labels=labels)


class BiEncoder(PromptEncoder):
    """Two encoders: one reads the words, the other the labels."""

    def __init__(
        self,
        transformer: PreTrainedModel,
        hidden_size: int,
        *,
        labels: LabelEncoder,
        dropout: float = 0.0,
        pooling: str = "first",
        fuse_layers: bool = False,
    ) -> None:
        super().__init__(
            transformer, hidden_size, dropout=dropout, pooling=pooling, fuse_layers=fuse_layers
        )
        self.labels = labels

    def forward(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Vectors of types and words; of types one row only, if all rows have the same.

        *Shape:* (rows or 1, types, hidden_size), (rows, words, hidden_size)
        """
        assert prompts.labels is not None
        pieces = self.dropout(self.pieces(prompts))
        types = self.labels.vectors(prompts.labels)[prompts.type_positions]
        return types, pool(pieces, prompts, self.pooling)

    def wanted(self, prompts: Prompts) -> Tensor:
        return word_pieces(prompts, self.pooling)
