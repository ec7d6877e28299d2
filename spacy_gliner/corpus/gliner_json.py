"""GLiNER's own format: `{"tokenized_text": [...], "ner": [[start, end_inclusive, type]]}`."""

from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from .build import RawSpan, build_passage, raw_spans
from .passage import Passage
from .records import Record, read_passages
from .report import Report


def read_gliner(path: Path, report: Report, *, open_labels: bool, source: str) -> Iterator[Passage]:
    """Read a JSON array or JSON Lines of tokenised texts with spans in words.

    "ner_labels" and "labels" are the closed set of types of the passage, "ner_negatives" and
    "absent" types known not to occur, "source" the name of its data set; all are optional.
    With `open_labels`, "labels" is ignored: some data sets list only the types marked there.
    """

    def to_passage(record: Record) -> Passage:
        words = record.strings("tokenized_text")
        spans = raw_spans(record.get("ner", list), report, record.where)
        kept, spans = _without_blanks(words, spans, report, record.where)
        closed = record.strings("ner_labels", default=[])
        if not open_labels:
            closed += record.strings("labels", default=[])
        return build_passage(
            kept,
            [True] * len(kept),
            spans,
            report,
            record.where,
            absent=record.strings("ner_negatives", default=[])
            + record.strings("absent", default=[]),
            label_set=closed,
            source=record.get("source", str, default=source),
        )

    return read_passages(path, report, to_passage)


def _without_blanks(
    words: tuple[str, ...], spans: Iterator[RawSpan], report: Report, where: str
) -> tuple[list[str], Iterator[RawSpan]]:
    """Drop blank words (an encoder has no piece for them); make ends exclusive."""
    before = [0, *accumulate(bool(word.strip()) for word in words)]
    for i, word in enumerate(words):
        if not word.strip():
            report.drop("word", "blank", f"{where}: word {i}")

    def reindexed() -> Iterator[RawSpan]:
        for start, end, label in spans:
            if 0 <= start <= end < len(words):
                yield before[start], before[end + 1], label
            else:
                cause = "empty" if end < start else "out of range"
                report.drop("span", cause, f"{where}: [{start}, {end}] {label}")

    return [word for word in words if word.strip()], reindexed()
