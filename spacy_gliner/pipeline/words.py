"""The words that the model sees, and the way from word ranges back to a Doc's tokens."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from spacy.attrs import IDX, IS_SPACE, LENGTH
from spacy.tokens import Doc

from ..errors import Errors

# The splitter of the published checkpoints: words with inner hyphens and underscores, or single
# characters other than white space.
WORD_PATTERN = re.compile(r"\w+(?:[-_]\w+)*|\S")
WORD_MODES = ("spacy", "regex")


@dataclass(frozen=True, eq=False)
class Words:
    """The words of one Doc, in order, none empty and none overlapping.

    texts: n words.
    starts, ends: character offsets into `doc.text`, end exclusive. *Shape:* (n,) int64
    """

    texts: list[str]
    starts: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        return len(self.texts)


def doc_words(doc: Doc, mode: str) -> Words:
    """Split a Doc into words.

    mode: "spacy", the Doc's own tokens without those of white space, or "regex", the matches of
        `WORD_PATTERN` in the text, which the published checkpoints were trained on.
    Raises ValueError [G001] for any other mode.
    """
    if mode == "spacy":
        known: dict[str, str] = {}  # spaCy makes a new string each time that it is asked
        words = (token.text for token in doc if not token.is_space)
        texts = [known.setdefault(word, word) for word in words]
        starts = doc.to_array(IDX)[doc.to_array(IS_SPACE) == 0].astype(np.int64)
    elif mode == "regex":
        matches = list(WORD_PATTERN.finditer(doc.text))
        texts = [match.group() for match in matches]
        starts = _offsets(match.start() for match in matches)
    else:
        choices = ", ".join(WORD_MODES)
        raise ValueError(Errors.G001.format(setting="words", value=mode, choices=choices))
    return Words(texts, starts, starts + _offsets(map(len, texts)))


def token_spans(
    doc: Doc, words: Words, starts: np.ndarray, ends: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Map word ranges to the smallest token ranges that cover them: nothing is ever dropped.

    starts, ends: ranges of words, end exclusive, at least one word long. *Shape:* (spans,)
    Returns the first token and the one after the last of each range. *Shape:* (spans,) int64
    """
    token_starts, lengths = doc.to_array([IDX, LENGTH]).astype(np.int64).T
    token_ends = token_starts + lengths
    first = np.searchsorted(token_ends, words.starts[starts], side="right")
    last = np.searchsorted(token_starts, words.ends[ends - 1], side="left")
    return first, last


def _offsets(numbers: Iterable[int]) -> np.ndarray:
    return np.fromiter(numbers, dtype=np.int64)
