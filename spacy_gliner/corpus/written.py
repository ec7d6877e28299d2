"""Texts with spans in characters: `{"text", "entities": [[start, end, type]], ...}`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from .build import RawSpan, build_passage, raw_spans
from .passage import Passage
from .records import Record, read_passages
from .report import Report
from .tokens import Tokenizer, Tokens


def read_written(
    path: Path, report: Report, *, tokenizer: Tokenizer, source: str
) -> Iterator[Passage]:
    """Read JSON Lines (or an array) of texts with entities in characters, end exclusive.

    "absent" lists types known not to occur; "labels" is a closed set. Both are optional.
    """

    def to_passage(record: Record) -> Passage:
        text = record.get("text", str)
        tokens = tokenizer(text)
        raw = list(raw_spans(record.get("entities", list), report, record.where))
        spans = list(_aligned(raw, text, tokens, report, record.where))
        lost = {label for _, _, label in raw} - {label for _, _, label in spans}
        return build_passage(
            tokens.words,
            tokens.spaces,
            spans,
            report,
            record.where,
            absent=record.strings("absent", default=[]),
            label_set=_known(record, lost, report),
            source=source,
        )

    return read_passages(path, report, to_passage)


def _known(record: Record, lost: set[str], report: Report) -> list[str]:
    """The closed set without the types that lost all spans: they are unmarked, yet not absent."""
    labels = record.strings("labels", default=[])
    for label in lost.intersection(labels):
        report.drop("label", "lost all its spans", f"{record.where}: {label}")
    return [label for label in labels if label not in lost]


def _aligned(
    spans: Iterable[RawSpan], text: str, tokens: Tokens, report: Report, where: str
) -> Iterator[RawSpan]:
    first, last = tokens.first, tokens.last
    for start, end, label in spans:
        if start < 0 or end > len(text):
            cause = "out of range"
        elif start >= end:
            cause = "empty"
        elif start not in first or end not in last:
            cause = "misaligned"
        else:
            yield first[start], last[end], label
            continue
        marked = text[max(start, 0) : max(end, 0)]
        report.drop("span", cause, f"{where}: {marked!r} [{start}, {end}] {label}")
