"""From types and words to the encoder's input."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import torch
from spacy.util import minibatch
from tokenizers import Encoding
from transformers import PreTrainedTokenizerFast

from .config import GLiNERConfig
from .pieces import Pieces, frame, pad, round_up, unlimited

# Units that a thread of the tokenizer cuts at once, and how many times as many it is given: what it
# tells of each takes far more memory than the pieces.
PART, PARTS = 128, 128


@dataclass(frozen=True)
class Prompts:
    """A batch for the network, padded.

    input_ids, attention_mask: *Shape:* (rows, pieces)
    type_positions: where the `<<ENT>>` of each type stands; of a bi-encoder, the type's place in
        `labels`. *Shape:* (rows, types)
    word_positions: where the first piece of each word stands (or the last, as the model pools).
        *Shape:* (rows, words)
    piece_words: the word that each piece belongs to, or one beyond all. *Shape:* (rows, pieces)
    type_counts, word_counts: real types and words of each row, on the CPU. *Shape:* (rows,)
    labels: the distinct labels of all rows, for a bi-encoder.
    """

    input_ids: torch.Tensor
    attention_mask: torch.Tensor
    type_positions: torch.Tensor
    word_positions: torch.Tensor
    piece_words: torch.Tensor
    type_counts: torch.Tensor
    word_counts: torch.Tensor
    labels: Pieces | None = None

    def to(self, device: torch.device) -> "Prompts":
        """The batch on a device; the counts stay on the CPU, where they are used."""
        if device.type == "cpu":
            return self
        return replace(
            self,
            input_ids=self.input_ids.to(device),
            attention_mask=self.attention_mask.to(device),
            type_positions=self.type_positions.to(device),
            word_positions=self.word_positions.to(device),
            piece_words=self.piece_words.to(device),
        )


class RowBuilder(ABC):
    """Cuts units into pieces, and lays out rows, for one tokenizer.

    tokenizer: cuts the words.
    last_pieces: a word stands where its last piece stands, instead of the first.
    marker: the id of the piece before each type, -1 if there is none.
    """

    marker = -1

    def __init__(self, tokenizer: PreTrainedTokenizerFast, *, last_pieces: bool = False) -> None:
        self.tokenizer = tokenizer
        unlimited(tokenizer)
        self._last_pieces = last_pieces
        self._pad = tokenizer.pad_token_id or 0
        self._unknown = tokenizer.unk_token_id if tokenizer.unk_token_id is not None else self._pad
        self._prefix, self._suffix = frame(tokenizer)

    @property
    def limits(self) -> tuple[int, ...]:
        """The most pieces of a row, as far as the tokenizer knows."""
        return (self.tokenizer.model_max_length,)

    def to_disk(self, folder: Path) -> None:
        self.tokenizer.save_pretrained(folder, legacy_format=False)

    @abstractmethod
    def types(self, label_sets: Sequence[Sequence[str]]) -> list[Pieces]:
        """Cut what the model reads for each label of each set into pieces."""

    @abstractmethod
    def head(self, types: Pieces) -> tuple[np.ndarray, np.ndarray]:
        """The pieces of a row before its words, and where its types stand among them."""

    @abstractmethod
    def head_size(self, types: Pieces) -> int:
        """The number of pieces that `head` gives."""

    def units(self, sequences: Sequence[Sequence[str]]) -> list[Pieces]:
        """Cut each sequence of units into pieces.

        A unit that has no piece (a zero-width character, say) gets the unknown one, so that every
        word has a vector and no later word is shifted.
        """
        # The tokenizer cuts each unit by itself, so that it does not matter where parts begin.
        parts = minibatch(chain.from_iterable(sequences), PART)
        every = Pieces.concatenate(
            self._pieces(encoding, len(part))
            for batch in minibatch(parts, PARTS)
            for part, encoding in zip(batch, self._encode(batch), strict=True)
        )
        ends = np.cumsum([0, *map(len, sequences)]).tolist()
        return [every[start:end] for start, end in pairwise(ends)]

    def _encode(self, parts: list[list[str]]) -> list[Encoding]:
        return self.tokenizer.backend_tokenizer.encode_batch(
            parts, is_pretokenized=True, add_special_tokens=False
        )

    def _pieces(self, encoding: Encoding, n_units: int) -> Pieces:
        ids = np.array(encoding.ids, dtype=np.int64)
        owners = np.array(encoding.word_ids, dtype=np.int64)
        counts = np.bincount(owners, minlength=n_units) if len(owners) else np.zeros(n_units, int)
        missing = np.flatnonzero(counts == 0)
        if len(missing):
            ids = np.insert(ids, np.searchsorted(owners, missing), self._unknown)
            counts[missing] = 1
        return Pieces(ids, np.concatenate([[0], np.cumsum(counts)]))

    def size(self, types: Pieces, words: Pieces) -> int:
        """The number of pieces of a row."""
        frame_size = len(self._prefix) + len(self._suffix)
        return frame_size + self.head_size(types) + len(words.ids)

    def row(self, types: Pieces, words: Pieces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lay out one row: its ids, the positions of its types, and those of its words."""
        head, type_positions = self.head(types)
        ids = np.concatenate([self._prefix, head, words.ids, self._suffix])
        places = words.offsets[1:] - 1 if self._last_pieces else words.offsets[:-1]
        first_word = len(self._prefix) + len(head)
        return ids, len(self._prefix) + type_positions, first_word + places

    def batch(self, rows: Sequence[tuple[Pieces, Pieces]]) -> Prompts:
        """Lay out and pad a batch of (types, words)."""
        laid_out = [self.row(types, words) for types, words in rows]
        ids, type_positions, word_positions = zip(*laid_out, strict=True)
        length = round_up(max(map(len, ids)))
        lengths = torch.tensor([len(row) for row in ids])
        n_types = round_up(max(map(len, type_positions)))
        n_words = round_up(max(map(len, word_positions)))
        owners = [
            self._owners(len(row), words, none=n_words)
            for row, (_, words) in zip(ids, rows, strict=True)
        ]
        return Prompts(
            input_ids=pad(ids, length, self._pad),
            attention_mask=(torch.arange(length)[None] < lengths[:, None]).long(),
            type_positions=pad(type_positions, n_types, 0),
            word_positions=pad(word_positions, n_words, 0),
            piece_words=pad(owners, length, n_words),
            type_counts=torch.tensor([len(types) for types, _ in rows]),
            word_counts=torch.tensor([len(words) for _, words in rows]),
        )

    def _owners(self, length: int, words: Pieces, *, none: int) -> np.ndarray:
        """The word of each piece of a row, `none` for those before and behind the words."""
        owners = np.full(length, none, dtype=np.int64)
        last = length - len(self._suffix)
        owners[last - len(words.ids) : last] = np.repeat(np.arange(len(words)), words.counts)
        return owners


class PromptBuilder(RowBuilder):
    """Lays out `<<ENT>> type <<ENT>> type <<SEP>> words`; the tokenizer knows both markers."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, config: GLiNERConfig) -> None:
        super().__init__(tokenizer, last_pieces=config.subtoken_pooling == "last")
        markers = tokenizer.convert_tokens_to_ids([config.ent_token, config.sep_token])
        self.marker, self._sep = map(int, markers)
        self._shift = 0 if config.embed_ent_token else 1
        self._last: dict[tuple[str, ...], Pieces] = {}

    def types(self, label_sets: Sequence[Sequence[str]]) -> list[Pieces]:
        """As in every builder; what was asked for last is kept, since it is often asked again."""
        sets = [tuple(labels) for labels in label_sets]
        known = self._last
        new = [labels for labels in dict.fromkeys(sets) if labels not in known]
        known = {**known, **dict(zip(new, self.units(new), strict=True))}
        self._last = {labels: known[labels] for labels in sets}
        return [known[labels] for labels in sets]

    def head(self, types: Pieces) -> tuple[np.ndarray, np.ndarray]:
        ids = np.append(np.insert(types.ids, types.offsets[:-1], self.marker), self._sep)
        return ids, types.offsets[:-1] + np.arange(len(types)) + self._shift

    def head_size(self, types: Pieces) -> int:
        return len(types) + len(types.ids) + 1
