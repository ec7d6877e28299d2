"""Passages written to `.spacy` files of bounded size."""

import re
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from .passage import Passage, to_doc


def write_shards(
    passages: Iterable[Passage], folder: Path, name: str, *, size: int, spans_key: str
) -> None:
    """Write `name-00001.spacy`, `name-00002.spacy`, ... of at most `size` Docs each.

    Shards of the same name from an earlier run are replaced. Holds one serialized shard in memory.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.iterdir():
        if re.fullmatch(re.escape(name) + r"-\d{5}\.spacy", stale.name):
            stale.unlink()
    passages = iter(passages)
    for number, first in enumerate(passages, start=1):
        path = folder / f"{name}-{number:05}.spacy"
        write_file(chain([first], islice(passages, size - 1)), path, spans_key=spans_key)


def write_file(passages: Iterable[Passage], path: Path, *, spans_key: str) -> None:
    """Write one DocBin. The vocabulary lives as long as the file, so memory does not grow."""
    vocab = Vocab()
    docs = DocBin(attrs=["ORTH", "SPACY"])
    for passage in passages:
        docs.add(to_doc(passage, vocab, spans_key))
    path.parent.mkdir(parents=True, exist_ok=True)
    docs.to_disk(path)
