"""Passages from annotation that nobody has checked yet."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .passage import Passage
from .report import Rejected, Report

RawSpan = tuple[int, int, str]


def raw_spans(items: Iterable[Any], report: Report, where: str) -> Iterator[RawSpan]:
    """Read `[start, end, type]` items of a record; malformed ones are counted as dropped."""
    for item in items:
        match item:
            case [int(start), int(end), str(label)] if label.strip():
                yield start, end, label.strip()
            case _:
                report.drop("span", "malformed", f"{where}: {item!r}")


def build_passage(
    words: Sequence[str],
    spaces: Sequence[bool],
    spans: Iterable[RawSpan],
    report: Report,
    where: str,
    *,
    absent: Iterable[str] = (),
    label_set: Iterable[str] = (),
    source: str,
) -> Passage:
    """Make a passage of which every part is sound; what is dropped from it is counted.

    spans: (start, end, type), in words, end exclusive. Words of white space alone are kept.
    Raises Rejected if no word is left.
    """
    if not any(word.strip() for word in words):
        raise Rejected("empty text")
    labels = _distinct(label_set)
    kept: dict[RawSpan, None] = {}
    for span in spans:
        if cause := _fault(span, len(words), kept, labels):
            start, end, label = span
            marked = " ".join(words[max(start, 0) : max(end, 0)])
            report.drop("span", cause, f"{where}: {marked!r} [{start}, {end}] {label}")
        else:
            kept[span] = None
    marked_types = {label for _, _, label in kept}
    missing = _distinct(absent)
    for label in missing:
        if label in marked_types:
            report.drop("absent type", "marked in the passage", f"{where}: {label}")
    return Passage(
        words=tuple(words),
        spaces=tuple(spaces),
        spans=tuple(sorted(kept)),
        absent=tuple(label for label in missing if label not in marked_types),
        label_set=labels,
        source=source,
    )


def _fault(
    span: RawSpan, length: int, kept: dict[RawSpan, None], labels: tuple[str, ...]
) -> str | None:
    start, end, label = span
    if start < 0 or end > length:
        return "out of range"
    if start >= end:
        return "empty"
    if span in kept:
        return "duplicate"
    if labels and label not in labels:
        return "type outside the label set"
    return None


def _distinct(labels: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label.strip() for label in labels if label.strip()))
