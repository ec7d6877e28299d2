"""Targets in word pieces: what stands fixed, and what is chosen.

A target is `word(tag) word(tag)`. The words are known, so the pieces from one tag to the next are
fixed; those of each tag are a choice. Training writes the same pieces as forced decoding chooses
among.
"""

from collections.abc import Iterable, Sequence

from transformers import PreTrainedTokenizerFast

from ..errors import Errors
from .bio import OUTSIDE

# What comes before the word in question, so that it begins behind a space.
LEAD = "a"
BRACKET = "("

# A word piece: its id, its first character, and the one after its last.
Piece = tuple[int, int, int]


class TargetPieces:
    """The word pieces that a tokenizer gives to the words and the tags of a target.

    Raises ValueError [G510] for a tokenizer that joins words and tags, so that there is no place
    where a tag could be chosen.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast) -> None:
        self._tokenizer = tokenizer
        self.name = tokenizer.name_or_path
        self.eos = int(tokenizer.eos_token_id)
        # Some tokenizers join the bracket with the tag's first letter: then it is chosen with it.
        self._opening = BRACKET if self._parts(BRACKET) else ""
        if not self._parts(self._opening) or len(self._apart("")) < len(self._opening):
            raise ValueError(Errors.G510.format(tokenizer=self.name))
        self._tags: dict[str, tuple[int, ...]] = {}

    def words(self, words: Sequence[str]) -> list[list[int]]:
        """The pieces of each word, from the space before it to where its tag is chosen.

        A word whose last piece would hold a part of the tag is spelled apart from it.
        words: without white space in them (`bio.compact`).
        """
        distinct = list(dict.fromkeys(words))
        tagged = self._encode(f"{LEAD} {word}({OUTSIDE})" for word in distinct)
        spelled = {}
        for word, pieces in zip(distinct, tagged, strict=True):
            end = len(LEAD) + 1 + len(word) + len(self._opening)
            before = _between(pieces, len(LEAD), end)
            spelled[word] = self._apart(word) if before is None else before
        return [spelled[word] for word in words]

    def tag(self, tag: str) -> tuple[int, ...]:
        """The pieces of a tag, such as "O" or "B-city", with its closing bracket."""
        if tag not in self._tags:
            (pieces,) = self._encode([f"{LEAD}({tag})"])
            begins = len(LEAD) + len(self._opening)
            self._tags[tag] = tuple(id_ for id_, start, _ in pieces if start >= begins)
        return self._tags[tag]

    def _apart(self, word: str) -> list[int]:
        alone, opening = self._encode([f"{LEAD} {word}", LEAD + self._opening])
        return [id_ for id_, start, _ in (*alone, *opening) if start >= len(LEAD)]

    def _parts(self, opening: str) -> bool:
        """Whether no piece lies across the place behind `opening`, whatever tag follows."""
        tagged = self._encode(f"{LEAD}({tag})" for tag in (OUTSIDE, "B-a", "I-a"))
        return all(_between(pieces, 0, len(LEAD + opening)) is not None for pieces in tagged)

    def _encode(self, texts: Iterable[str]) -> list[list[Piece]]:
        texts = list(texts)
        if not texts:  # of which tokenizers make an error
            return []
        encoded = self._tokenizer(
            texts,
            add_special_tokens=False,
            # "</s>" is a word like others where a text has it.
            split_special_tokens=True,
            return_offsets_mapping=True,
        )
        return [
            [(id_, start, end) for id_, (start, end) in zip(ids, offsets, strict=True)]
            for ids, offsets in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        ]


def _between(pieces: Iterable[Piece], start: int, end: int) -> list[int] | None:
    """The pieces that begin between two characters; None if one of them goes on behind the end."""
    within = [piece for piece in pieces if start <= piece[1] < end]
    return None if any(last > end for *_, last in within) else [id_ for id_, *_ in within]
