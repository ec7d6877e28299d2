"""JSON records from JSON Lines or from one large array, read in bounded memory."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import Errors
from .passage import Passage
from .report import Rejected, Report

CHUNK = 1 << 16
# A record that is still incomplete at this size (in characters) is broken, not long.
MAX_RECORD = 1 << 24


@dataclass(frozen=True)
class Record:
    """A JSON object and where it was found, for messages."""

    where: str
    value: dict[str, Any]

    def get(self, key: str, kind: type, *, default: Any = None) -> Any:
        """The value of a key; raises Rejected if it is missing (no default) or of another type."""
        value = self.value.get(key, default)
        if not isinstance(value, kind):
            raise Rejected(f"malformed record: '{key}' is not a {kind.__name__}")
        return value

    def strings(self, key: str, *, default: list[str] | None = None) -> tuple[str, ...]:
        """The list of strings of a key; raises Rejected if it is missing (no default) or other."""
        value = self.get(key, list, default=default)
        if not all(isinstance(item, str) for item in value):
            raise Rejected(f"malformed record: '{key}' is not a list of strings")
        return tuple(value)


def read_passages(
    path: Path, report: Report, to_passage: Callable[[Record], Passage]
) -> Iterator[Passage]:
    """Convert each record of a file; those that `to_passage` rejects are counted."""
    for record in read_records(path, report):
        try:
            passage = to_passage(record)
        except Rejected as error:
            report.drop("passage", str(error), record.where)
        else:
            yield passage


def read_records(path: Path, report: Report) -> Iterator[Record]:
    """Read a JSON array or JSON Lines, whichever the file holds.

    What is not a JSON object, or not valid Unicode, is counted as a dropped passage. Raises
    ValueError if the array itself is broken: nothing behind the break can be trusted.
    """
    values = _array_values(path) if _is_array(path) else _line_values(path, report)
    for where, value in values:
        if not isinstance(value, dict):
            report.drop("passage", "malformed record: not a JSON object", where)
        elif not _is_unicode(value):
            report.drop("passage", "malformed record: half of a surrogate pair", where)
        else:
            yield Record(where, value)


def iter_array(chunks: Iterable[str]) -> Iterator[Any]:
    """Yield the elements of a JSON array that arrives in pieces of any size.

    Only the current element is held. Raises json.JSONDecodeError if the array is malformed or
    ends early.
    """
    stream = _Stream(iter(chunks))
    stream.take("[")
    if stream.peek() == "]":
        stream.take("]")
    else:
        yield stream.element()
        while stream.peek() != "]":
            stream.take(",")
            yield stream.element()
        stream.take("]")
    if stream.peek():
        raise json.JSONDecodeError("Extra data", stream.buffer, 0)


class _Stream:
    """The unread part of a text that arrives in chunks."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.chunks = chunks
        self.buffer = ""
        self.decoder = json.JSONDecoder()

    def more(self, size: int = 1) -> bool:
        """Read at least `size` more characters, if there are; False at the end of the text."""
        pieces: list[str] = []
        while size > 0 and (piece := next(self.chunks, None)) is not None:
            pieces.append(piece)
            size -= len(piece)
        self.buffer += "".join(pieces)
        return any(pieces)

    def peek(self) -> str:
        """The next character that is not white space, or "" at the end of the text."""
        self.buffer = self.buffer.lstrip()
        while not self.buffer and self.more():
            self.buffer = self.buffer.lstrip()
        return self.buffer[:1]

    def take(self, char: str) -> None:
        if self.peek() != char:
            raise json.JSONDecodeError(f"Expecting '{char}'", self.buffer, 0)
        self.buffer = self.buffer[1:]

    def element(self) -> Any:
        """Decode the next value; the buffer doubles until the value is complete."""
        self.peek()
        while True:
            try:
                value, end = self.decoder.raw_decode(self.buffer)
                # At the end of the buffer, "1", "1." and "1e" may go on as a longer number.
                if self.buffer[end : end + 2].strip(".eE+-") or not self.more():
                    self.buffer = self.buffer[end:]
                    return value
            except json.JSONDecodeError:
                if len(self.buffer) > MAX_RECORD or not self.more(max(1, len(self.buffer))):
                    raise


def _is_array(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        while head := file.read(CHUNK):
            if head := head.lstrip():
                return head.startswith("[")
    return False


def _array_values(path: Path) -> Iterator[tuple[str, Any]]:
    number = 0
    try:
        with path.open(encoding="utf-8-sig") as file:
            for value in iter_array(iter(lambda: file.read(CHUNK), "")):
                number += 1
                yield f"{path.name}, record {number}", value
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(Errors.G200.format(path=path, number=number + 1, error=error)) from error


def _line_values(path: Path, report: Report) -> Iterator[tuple[str, Any]]:
    with path.open("rb") as file:  # bytes: only \n ends a line, and bad UTF-8 costs one line
        for number, line in enumerate(file, start=1):
            where = f"{path.name}, line {number}"
            if not line.strip():
                continue
            try:
                value = json.loads(line.decode("utf-8-sig"))
            except ValueError as error:  # JSONDecodeError and UnicodeDecodeError
                report.drop("passage", "malformed JSON", f"{where}: {error}")
            else:
                yield where, value


def _is_unicode(value: dict[str, Any]) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
