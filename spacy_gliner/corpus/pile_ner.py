"""Pile-NER, a conversation a passage: a text, then a question and an answer a type.

Zhou et al. 2024, "UniversalNER", section 3; the hub's data set Universal-NER/Pile-NER-type.
"""

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from .build import RawSpan, build_passage
from .passage import Passage
from .records import Record, read_passages
from .report import Rejected, Report
from .tokens import Tokenizer

TEXT_PREFIX = "Text:"
QUESTION = re.compile(r"What describes (.+) in the text\?", re.DOTALL)


def read_pile_ner(
    path: Path, report: Report, *, tokenizer: Tokenizer, source: str
) -> Iterator[Passage]:
    """Read a JSON array or JSON Lines of `{"id", "conversations": [{"from", "value"}]}`.

    A type with the answer `[]` is absent. Otherwise every occurrence of a mention's tokens is
    marked, whatever its case.
    """

    def to_passage(record: Record) -> Passage:
        turns = _turns(record)
        tokens = tokenizer(turns[0].removeprefix(TEXT_PREFIX).strip())
        answers = dict(_answers(turns[1:], report, record.where))
        finder = _Finder(tokens.words)
        return build_passage(
            tokens.words,
            tokens.spaces,
            _spans(answers, finder, report, record.where),
            report,
            record.where,
            absent=[label for label, mentions in answers.items() if not mentions],
            source=source,
        )

    return read_passages(path, report, to_passage)


def _turns(record: Record) -> list[str]:
    turns = record.get("conversations", list)
    values = [turn["value"] for turn in turns if isinstance(turn, dict) and "value" in turn]
    if len(values) < len(turns) or not all(isinstance(value, str) for value in values):
        raise Rejected("malformed record: a turn of 'conversations' has no 'value'")
    if not values or not values[0].startswith(TEXT_PREFIX):
        raise Rejected(f"malformed record: the first turn does not start with '{TEXT_PREFIX}'")
    return values


def _answers(turns: list[str], report: Report, where: str) -> Iterator[tuple[str, list[str]]]:
    """The (type, mentions) of each question; a type asked about twice has all its mentions."""
    found: dict[str, list[str]] = {}
    for question, answer in zip(turns, [*turns[1:], ""], strict=True):
        if not (asked := QUESTION.fullmatch(question.strip())):
            continue
        try:
            mentions = json.loads(answer)
        except ValueError:
            mentions = None
        if isinstance(mentions, list) and all(isinstance(text, str) for text in mentions):
            found.setdefault(asked[1].strip(), []).extend(mentions)
        else:
            report.drop("answer", "not a JSON list of strings", f"{where}: {asked[1]}: {answer!r}")
    yield from found.items()


def _spans(
    answers: dict[str, list[str]], finder: "_Finder", report: Report, where: str
) -> Iterator[RawSpan]:
    for label, mentions in answers.items():
        spans: dict[tuple[int, int], None] = {}
        for mention in mentions:
            occurrences = list(finder.find(mention))
            if not occurrences:
                report.drop("span", "mention not found", f"{where}: {mention!r} {label}")
            # Mentions that differ in case have the same occurrences: nothing is lost.
            spans.update(dict.fromkeys(occurrences))
        for start, end in spans:
            yield start, end, label


class _Finder:
    """Finds mentions in a text by characters, white space and case aside, at word boundaries.

    Tokens are not compared: a tokenizer may cut a mention alone ("U.S") otherwise than in place.
    """

    def __init__(self, words: tuple[str, ...]) -> None:
        folded = ["".join(word.split()).casefold() for word in words]
        offsets = [0, *accumulate(map(len, folded))]
        self.text = "".join(folded)
        self.first = {offsets[i]: i for i, word in enumerate(folded) if word}
        self.last = {offsets[i + 1]: i + 1 for i, word in enumerate(folded) if word}

    def find(self, mention: str) -> Iterator[tuple[int, int]]:
        """Yield the (start, end) of each occurrence, in words, end exclusive."""
        pieces = [piece.casefold() for piece in mention.split()]
        # Every piece must start a word: "the rapist" is not in "therapist".
        starts = [0, *accumulate(map(len, pieces))][:-1]
        needle = "".join(pieces)
        at = self.text.find(needle) if needle else -1
        while at >= 0:
            end = self.last.get(at + len(needle))
            if end is not None and all(at + start in self.first for start in starts):
                yield self.first[at], end
            at = self.text.find(needle, at + 1)
