"""Two columns, a word and its BIO tag; a blank line ends a sentence."""

import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import Errors
from .build import RawSpan, build_passage
from .passage import Passage
from .report import Report

TAG = re.compile(r"O|[BI]-[^\t]*\S")
Sentence = tuple[int, list[str]]


def read_bio(
    path: Path, report: Report, *, label_set: tuple[str, ...], source: str
) -> Iterator[Passage]:
    """Read sentences whose types are closed: those of `label_set`, or all of the file without one.

    A sentence with a malformed line is dropped; an I- tag that continues nothing starts a span.
    """
    labels = label_set or _types(path)
    for first_line, lines in _sentences(path):
        rows = [split_line(line) for line in lines]
        if None in rows:
            number = first_line + rows.index(None)
            bad = lines[number - first_line]
            report.drop("passage", "malformed line", f"{path.name}, line {number}: {bad!r}")
            continue
        words, tags = zip(*(row for row in rows if row), strict=True)
        where = f"{path.name}, line {first_line}"
        yield build_passage(
            words,
            [True] * len(words),
            _spans(tags, report, where),
            report,
            where,
            label_set=labels,
            source=source,
        )


def split_line(line: str) -> tuple[str, str] | None:
    """The (word, tag) of a line, or None if it is malformed.

    Without a tab the first space divides: a type may be of several words, a word never is.
    """
    word, _, tag = line.partition("\t" if "\t" in line else " ")
    word, tag = word.strip(), tag.strip()
    return (word, tag) if word and TAG.fullmatch(tag) else None


def read_labels(path: Path) -> tuple[str, ...]:
    """Read types, one a line, in the case they are written in. Raises ValueError if none."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines())
    labels = tuple(dict.fromkeys(line for line in lines if line))
    if not labels:
        raise ValueError(Errors.G202.format(path=path))
    return labels


def _sentences(path: Path) -> Iterator[Sentence]:
    """Yield the number of the first line, from 1, and the lines of each sentence."""
    lines: list[str] = []
    number = 0
    for number, raw in enumerate(_lines(path), start=1):
        if line := raw.rstrip():
            lines.append(line)
        elif lines:
            yield number - len(lines), lines
            lines = []
    if lines:
        yield number - len(lines) + 1, lines


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig") as file:
            yield from file
    except UnicodeDecodeError as error:
        raise ValueError(Errors.G208.format(path=path, error=error)) from error


def _types(path: Path) -> tuple[str, ...]:
    rows = (split_line(line) for _, lines in _sentences(path) for line in lines)
    return tuple(sorted({row[1][2:].strip() for row in rows if row and row[1] != "O"}))


def _spans(tags: tuple[str, ...], report: Report, where: str) -> Iterator[RawSpan]:
    start, open_label = 0, ""
    for i, tag in enumerate((*tags, "O")):
        label = tag[2:].strip()
        if tag.startswith("I-") and label == open_label:
            continue
        if open_label:
            yield start, i, open_label
        if tag.startswith("I-"):
            report.drop("tag", "I- continues no span: read as B-", f"{where}: word {i}, {tag}")
        start, open_label = i, label
