"""Texts cut into words, and characters mapped onto them."""

from collections.abc import Callable
from dataclasses import dataclass

import spacy

from ..errors import Errors
from ..pipeline.words import WORD_PATTERN

WORDS = ("spacy", "regex")


@dataclass(frozen=True)
class Tokens:
    """The words of a text.

    words, spaces: as a Doc takes them; starts: the character offset of each word.
    """

    words: tuple[str, ...]
    spaces: tuple[bool, ...]
    starts: tuple[int, ...]

    @property
    def first(self) -> dict[int, int]:
        """Character offset where a word starts -> index of the word."""
        return {start: i for i, start in enumerate(self.starts)}

    @property
    def last(self) -> dict[int, int]:
        """Character offset where a word ends -> index after the word."""
        return {start + len(self.words[i]): i + 1 for i, start in enumerate(self.starts)}


Tokenizer = Callable[[str], Tokens]


def make_tokenizer(words: str, lang: str) -> Tokenizer:
    """The tokenizer called `words`: "spacy" (the blank pipeline of `lang`) or "regex".

    The words of "spacy" include its white space tokens, as in any Doc. Raises ValueError if
    there is no tokenizer of this name.
    """
    if words == "regex":
        return regex_tokens
    if words != "spacy":
        raise ValueError(Errors.G201.format(words=words, options=", ".join(WORDS)))
    tokenizer = spacy.blank(lang).tokenizer

    def spacy_tokens(text: str) -> Tokens:
        doc = tokenizer(text)
        return Tokens(
            words=tuple(token.text for token in doc),
            spaces=tuple(bool(token.whitespace_) for token in doc),
            starts=tuple(token.idx for token in doc),
        )

    return spacy_tokens


def regex_tokens(text: str) -> Tokens:
    """The words of GLiNER's regular expression; white space of any kind becomes one space."""
    matches = list(WORD_PATTERN.finditer(text))
    return Tokens(
        words=tuple(match.group() for match in matches),
        spaces=tuple(text[match.end() : match.end() + 1].isspace() for match in matches),
        starts=tuple(match.start() for match in matches),
    )
