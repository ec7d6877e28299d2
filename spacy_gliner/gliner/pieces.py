"""Word pieces of sequences of words or types, and their padding."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

# The largest step between the sizes of `round_up`.
LARGEST_STEP = 32
LABEL_TOKENIZER_FOLDER = "labels_tokenizer"


@dataclass(frozen=True)
class Pieces:
    """The word pieces of a sequence of units (words of a text, or types of a prompt).

    ids: piece ids of all units, one after the other. *Shape:* (pieces,)
    offsets: where each unit begins in ids, and the end of the last. *Shape:* (units + 1,)
    """

    ids: np.ndarray
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def counts(self) -> np.ndarray:
        """The number of pieces of each unit. *Shape:* (units,)"""
        return np.diff(self.offsets)

    def __getitem__(self, units: slice) -> "Pieces":
        """A run of units, without copying ids."""
        start, stop, _ = units.indices(len(self))
        offsets = self.offsets[start : stop + 1]
        return Pieces(self.ids[offsets[0] : offsets[-1]], offsets - offsets[0])

    def cut(self, size: int) -> "Pieces":
        """At most `size` pieces; the last unit loses what is more, but none its first piece."""
        return Pieces(self.ids[:size], np.minimum(self.offsets, size))

    @classmethod
    def concatenate(cls, parts: Iterable["Pieces"]) -> "Pieces":
        """One sequence of all units."""
        parts = [cls.join([]), *parts]
        ends = np.concatenate([part.counts for part in parts]).cumsum()
        return cls(np.concatenate([part.ids for part in parts]), np.concatenate([[0], ends]))

    @classmethod
    def join(cls, parts: Iterable[Sequence[int] | np.ndarray]) -> "Pieces":
        arrays = [np.asarray(part, dtype=np.int64) for part in parts]
        ids = np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)
        return cls(ids, np.cumsum([0, *map(len, arrays)]))


def round_up(number: int) -> int:
    """The next larger one of few sizes, at most a sixteenth more.

    CPU libraries make a plan for each size that they meet, which takes as long as a short text.
    """
    return -round_down(-number)


def round_down(number: int) -> int:
    """The next smaller one of these sizes."""
    step = min(1 << max(0, number.bit_length() - 5), LARGEST_STEP)
    return number // step * step


def pad(rows: Sequence[np.ndarray], length: int, value: int) -> torch.Tensor:
    padded = np.full((len(rows), length), value, dtype=np.int64)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(padded)


def frame(tokenizer: PreTrainedTokenizerFast) -> tuple[np.ndarray, np.ndarray]:
    """The special pieces that this tokenizer puts before and after a text."""
    encoding = tokenizer("a", return_special_tokens_mask=True)
    special = np.array(encoding["special_tokens_mask"], dtype=bool)
    ids = np.array(encoding["input_ids"], dtype=np.int64)
    text = np.flatnonzero(~special)
    return ids[: text[0]], ids[text[-1] + 1 :]


def unlimited(tokenizer: PreTrainedTokenizerFast) -> None:
    """Undo the truncation and the padding that some tokenizers are saved with."""
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.no_padding()
