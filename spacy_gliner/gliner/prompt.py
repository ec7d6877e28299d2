"""From types and words to the encoder's input: `<<ENT>> type <<ENT>> type <<SEP>> words`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast

ENT_TOKEN = "<<ENT>>"
SEP_TOKEN = "<<SEP>>"
PIECES_MULTIPLE, WORDS_MULTIPLE, TYPES_MULTIPLE = 16, 8, 4


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
    def join(cls, parts: Iterable[Sequence[int] | np.ndarray]) -> "Pieces":
        arrays = [np.asarray(part, dtype=np.int64) for part in parts]
        ids = np.concatenate(arrays) if arrays else np.zeros(0, dtype=np.int64)
        return cls(ids, np.cumsum([0, *map(len, arrays)]))


@dataclass(frozen=True)
class Prompts:
    """A batch for the network, padded.

    input_ids, attention_mask: *Shape:* (rows, pieces)
    type_positions: where the `<<ENT>>` of each type stands. *Shape:* (rows, types)
    word_positions: where the first piece of each word stands. *Shape:* (rows, words)
    type_counts, word_counts: real types and words of each row, on the CPU. *Shape:* (rows,)
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    type_positions: torch.Tensor
    word_positions: torch.Tensor
    type_counts: torch.Tensor
    word_counts: torch.Tensor


class PromptBuilder:
    """Cuts units into pieces and lays out prompts, for one tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        ent, sep = tokenizer.convert_tokens_to_ids([ENT_TOKEN, SEP_TOKEN])
        self._ent, self._sep = int(ent), int(sep)
        self._unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else self._sep
        self._pad = tokenizer.pad_token_id or 0
        self._prefix, self._suffix = _frame(tokenizer)

    @property
    def frame_size(self) -> int:
        """Pieces of every row besides its types and words: `[CLS]`, `<<SEP>>`, `[SEP]`."""
        return len(self._prefix) + 1 + len(self._suffix)

    def units(self, sequences: Sequence[Sequence[str]]) -> list[Pieces]:
        """Cut each sequence of units into pieces.

        A unit that has no piece (a zero-width character, say) gets the unknown one, so that every
        word has a vector and no later word is shifted.
        """
        # An empty pre-tokenised input is ambiguous to the library, so it is not asked.
        asked = [list(sequence) for sequence in sequences if sequence]
        encodings = iter(
            self.tokenizer.backend_tokenizer.encode_batch(
                asked, is_pretokenized=True, add_special_tokens=False
            )
            if asked
            else ()
        )
        return [
            self._pieces(next(encodings), len(sequence)) if sequence else Pieces.join([])
            for sequence in sequences
        ]

    def _pieces(self, encoding, n_units: int) -> Pieces:
        ids = np.array(encoding.ids, dtype=np.int64)
        owners = np.array(encoding.word_ids, dtype=np.int64)
        counts = np.bincount(owners, minlength=n_units) if len(owners) else np.zeros(n_units, int)
        missing = np.flatnonzero(counts == 0)
        if len(missing):
            ids = np.insert(ids, np.searchsorted(owners, missing), self._unknown)
            counts[missing] = 1
        return Pieces(ids, np.concatenate([[0], np.cumsum(counts)]))

    def row(self, types: Pieces, words: Pieces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lay out one prompt: its ids, the positions of its types, and those of its words."""
        n_types = len(types)
        type_positions = len(self._prefix) + types.offsets[:-1] + np.arange(n_types)
        head = np.insert(types.ids, types.offsets[:-1], self._ent)
        ids = np.concatenate([self._prefix, head, [self._sep], words.ids, self._suffix])
        first_word = len(self._prefix) + len(head) + 1
        return ids, type_positions, first_word + words.offsets[:-1]

    def size(self, types: Pieces, words: Pieces) -> int:
        """The number of pieces of a row."""
        return self.frame_size + len(types) + len(types.ids) + len(words.ids)

    def batch(self, rows: Sequence[tuple[Pieces, Pieces]]) -> Prompts:
        """Lay out and pad a batch of (types, words).

        Lengths are rounded up, so that few shapes occur: CPU libraries keep a plan for each.
        """
        laid_out = [self.row(types, words) for types, words in rows]
        ids, type_positions, word_positions = zip(*laid_out, strict=True)
        length = round_up(max(map(len, ids)), PIECES_MULTIPLE)
        lengths = torch.tensor([len(row) for row in ids])
        n_types = round_up(max(map(len, type_positions)), TYPES_MULTIPLE)
        n_words = round_up(max(map(len, word_positions)), WORDS_MULTIPLE)
        return Prompts(
            input_ids=_pad(ids, length, self._pad),
            attention_mask=(torch.arange(length)[None] < lengths[:, None]).long(),
            type_positions=_pad(type_positions, n_types, 0),
            word_positions=_pad(word_positions, n_words, 0),
            type_counts=torch.tensor([len(types) for types, _ in rows]),
            word_counts=torch.tensor([len(words) for _, words in rows]),
        )


def round_up(number: int, multiple: int) -> int:
    return -(-number // multiple) * multiple


def _pad(rows: Sequence[np.ndarray], length: int, value: int) -> torch.Tensor:
    padded = np.full((len(rows), length), value, dtype=np.int64)
    for target, row in zip(padded, rows, strict=True):
        target[: len(row)] = row
    return torch.from_numpy(padded)


def _frame(tokenizer: PreTrainedTokenizerFast) -> tuple[np.ndarray, np.ndarray]:
    """The special pieces that this tokenizer puts before and after a text."""
    encoding = tokenizer("a", return_special_tokens_mask=True)
    special = np.array(encoding["special_tokens_mask"], dtype=bool)
    ids = np.array(encoding["input_ids"], dtype=np.int64)
    text = np.flatnonzero(~special)
    return ids[: text[0]], ids[text[-1] + 1 :]
