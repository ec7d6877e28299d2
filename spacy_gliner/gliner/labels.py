"""Labels that are read apart from the text, by a tokenizer and an encoder of their own."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from ..errors import Errors
from .encoder import PieceEncoder
from .pieces import Pieces, pad, round_up, unlimited

VECTORS_FILE = "label_vectors.safetensors"
# Labels that are read at once, and labels whose vectors are kept.
LABEL_BATCH = 64
CACHE_SIZE = 10_000


class LabelReader:
    """Cuts labels into pieces, and lays out those of a batch, each label once."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self.tokenizer = tokenizer
        unlimited(tokenizer)

    def types(self, label_sets: Sequence[Sequence[str]]) -> list[Pieces]:
        """Cut what the model reads for each label of each set, with the tokenizer's own frame.

        Raises ValueError [G015] if a label is too long for the encoder.
        """
        return [Pieces.join(map(self._label, labels)) for labels in label_sets]

    def batch(self, label_sets: Sequence[Pieces]) -> tuple[Tensor, Pieces]:
        """The distinct labels of all rows, and the places of each row's types among them.

        The places of one row stand for all, if all have the same object as their types: most often
        one label set is asked of every document. *Shape:* (rows or 1, types)
        """
        sets = {id(types): types for types in label_sets}
        numbers: dict[bytes, int] = {}
        places = {
            key: np.array([numbers.setdefault(unit, len(numbers)) for unit in units(types)])
            for key, types in sets.items()
        }
        rows = [places[id(types)] for types in label_sets] if len(sets) > 1 else [*places.values()]
        labels = Pieces.join(np.frombuffer(unit, dtype=np.int64) for unit in numbers)
        return pad(rows, round_up(max(map(len, rows))), 0), labels

    def _label(self, label: str) -> list[int]:
        ids = self.tokenizer.backend_tokenizer.encode(label).ids
        room = self.tokenizer.model_max_length
        if len(ids) > room:
            raise ValueError(Errors.G015.format(name=label, size=len(ids), room=room))
        return ids


class LabelEncoder(PieceEncoder):
    """A label's vector is the mean over its pieces. Without gradients it is computed once."""

    def __init__(
        self, transformer: PreTrainedModel, hidden_size: int, *, fuse_layers: bool = False
    ) -> None:
        super().__init__(transformer, hidden_size, fuse_layers=fuse_layers)
        self.cache: dict[bytes, Tensor] = {}

    def train(self, mode: bool = True) -> "LabelEncoder":
        """As for any module; training makes the kept vectors stale."""
        if mode:
            self.cache.clear()
        super().train(mode)
        return self

    def vectors(self, labels: Pieces) -> Tensor:
        """*Shape:* (labels, hidden_size)"""
        wanted = list(units(labels))
        if torch.is_grad_enabled():
            return self._read(wanted)
        # A copy, since other threads make room for theirs.
        known = dict(self.cache)
        missing = [unit for unit in wanted if unit not in known]
        for start in range(0, len(missing), LABEL_BATCH):
            batch = missing[start : start + LABEL_BATCH]
            known.update(zip(batch, self._read(batch), strict=True))
        self.cache.update((unit, known[unit]) for unit in missing)
        # Vectors that came from a file are on the CPU.
        device = next(self.parameters()).device
        vectors = torch.stack([known[unit].to(device) for unit in wanted])
        for unit in list(self.cache)[: max(0, len(self.cache) - CACHE_SIZE)]:
            self.cache.pop(unit, None)
        return vectors

    def cache_to_disk(self, path: Path) -> None:
        """Write the kept vectors, if there are any; the file is removed if not."""
        path.unlink(missing_ok=True)
        if self.cache:
            keys = Pieces.join(np.frombuffer(unit, dtype=np.int64) for unit in self.cache)
            stored = {
                "ids": torch.from_numpy(keys.ids),
                "offsets": torch.from_numpy(keys.offsets),
                "vectors": torch.stack(list(self.cache.values())).cpu(),
            }
            save_file(stored, path)

    def cache_from_disk(self, path: Path) -> None:
        """Read what `cache_to_disk` wrote, if there is something."""
        if path.is_file():
            stored = load_file(path)
            keys = Pieces(stored["ids"].numpy(), stored["offsets"].numpy())
            self.cache.update(zip(units(keys), stored["vectors"], strict=True))

    def _read(self, labels: Sequence[bytes]) -> Tensor:
        """The vectors of labels, always in full precision. *Shape:* (labels, hidden_size)"""
        device = next(self.parameters()).device
        rows = [np.frombuffer(label, dtype=np.int64) for label in labels]
        lengths = torch.tensor([len(row) for row in rows])
        longest = int(lengths.max())
        mask = (torch.arange(longest)[None] < lengths[:, None]).long().to(device)
        with torch.autocast(device.type, enabled=False):
            return self.mean(pad(rows, longest, 0).to(device), mask)

    def mean(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The vectors of labels, from their pieces, one label a row.

        input_ids, attention_mask: *Shape:* (labels, pieces)
        Returns *Shape:* (labels, hidden_size)
        """
        pieces = self.encode(input_ids, attention_mask)
        weights = attention_mask[..., None].to(pieces.dtype)
        return (pieces * weights).sum(1) / weights.sum(1)


def units(pieces: Pieces) -> Iterator[bytes]:
    """The ids of each unit, as a key."""
    for start, stop in zip(pieces.offsets[:-1], pieces.offsets[1:], strict=True):
        yield pieces.ids[start:stop].tobytes()
