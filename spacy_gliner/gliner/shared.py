"""Models that leave the text to an encoder which other components of the pipeline use too."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerFast

from .labels import LabelEncoder, LabelReader
from .pieces import LABEL_TOKENIZER_FOLDER, Pieces


@dataclass(frozen=True, eq=False)
class WordVectors:
    """What stands in the place of a text's pieces: one vector a word. *Shape:* (words, width)"""

    vectors: Tensor

    def __len__(self) -> int:
        return len(self.vectors)

    @property
    def counts(self) -> np.ndarray:
        """Every word is one unit long. *Shape:* (words,)"""
        return np.ones(len(self), dtype=np.int64)

    def __getitem__(self, words: slice) -> "WordVectors":
        return WordVectors(self.vectors[words])

    def cut(self, size: int) -> "WordVectors":
        return self[:size]


@dataclass(frozen=True)
class SharedPrompts:
    """A batch for the network, padded.

    vectors: of the words. *Shape:* (rows, words, width)
    type_positions: the place of each type in `labels`. *Shape:* (rows or 1, types)
    type_counts, word_counts: real types and words of each row, on the CPU. *Shape:* (rows,)
    labels: the distinct labels of all rows.
    """

    vectors: Tensor
    type_positions: Tensor
    type_counts: Tensor
    word_counts: Tensor
    labels: Pieces

    def to(self, device: torch.device) -> "SharedPrompts":
        return replace(
            self, vectors=self.vectors.to(device), type_positions=self.type_positions.to(device)
        )


class SharedRowBuilder:
    """Lays out rows of word vectors; the labels of a batch stand beside them."""

    limits: tuple[int, ...] = ()
    marker = -1

    def __init__(self, label_tokenizer: PreTrainedTokenizerFast) -> None:
        self.labels = LabelReader(label_tokenizer)

    def types(self, label_sets: Sequence[Sequence[str]]) -> list[Pieces]:
        return self.labels.types(label_sets)

    def size(self, types: Pieces, words: Pieces | WordVectors) -> int:
        return len(words)

    def batch(self, rows: Sequence[tuple[Pieces, WordVectors]]) -> SharedPrompts:
        type_positions, labels = self.labels.batch([types for types, _ in rows])
        return SharedPrompts(
            vectors=pad_sequence([words.vectors for _, words in rows], batch_first=True),
            type_positions=type_positions,
            type_counts=torch.tensor([len(types) for types, _ in rows]),
            word_counts=torch.tensor([len(words) for _, words in rows]),
            labels=labels,
        )

    def to_disk(self, folder: Path) -> None:
        self.labels.tokenizer.save_pretrained(folder / LABEL_TOKENIZER_FOLDER, legacy_format=False)


class SharedEncoder(nn.Module):
    """Brings given word vectors to the width of the model, and reads the labels."""

    limits: tuple[int, ...] = ()

    def __init__(
        self, width: int, hidden_size: int, *, labels: LabelEncoder, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.projection = nn.Linear(width, hidden_size)
        self.labels = labels
        self.dropout = nn.Dropout(dropout)

    def forward(self, prompts: SharedPrompts) -> tuple[Tensor, Tensor]:
        """Vectors of types and words; of types one row only, if all rows have the same.

        *Shape:* (rows or 1, types, hidden_size), (rows, words, hidden_size)
        """
        words = self.dropout(self.projection(prompts.vectors))
        return self.labels.vectors(prompts.labels)[prompts.type_positions], words
