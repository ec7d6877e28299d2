"""Texts of a given number of words, and labels, from the written passages of this project."""

import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any
from unicodedata import category

from spacy_gliner.pipeline.words import WORD_PATTERN

WRITTEN = Path(__file__).parents[2] / "assets" / "written" / "train.jsonl"


def make_texts(count: int, words: int) -> list[str]:
    """Texts of exactly so many words, by the reference's splitter; each begins where a passage
    does, and runs on over the next ones.
    """
    passages = cycle(record["text"] for record in _records() if _readable(record["text"]))
    return [_take(passages, words) for _ in range(count)]


def make_labels(count: int) -> list[str]:
    """The most frequent types, no two alike but for their case."""
    entities = chain.from_iterable(record["entities"] for record in _records())
    types = Counter(type_.lower() for _, _, type_ in entities)
    return [type_ for type_, _ in types.most_common(count)]


def _take(passages: Iterator[str], words: int) -> str:
    """As many passages as have so many words, the last one cut."""
    parts: list[str] = []
    while words > 0:
        passage = next(passages)
        ends = [match.end() for match in islice(WORD_PATTERN.finditer(passage), words)]
        parts.append(passage[: ends[-1]])
        words -= len(ends)
    return " ".join(parts)


def _readable(text: str) -> bool:
    """The reference errs at words without a piece, such as a lone accent."""
    kinds = {category(character)[0] for character in text if not character.isspace()}
    return bool(text.strip()) and not kinds & {"M", "C"}


@cache
def _records() -> list[dict[str, Any]]:
    return [json.loads(line) for line in WRITTEN.read_text(encoding="utf8").splitlines()]
