"""Data sets in several formats -> `.spacy` files, with a report of what was dropped."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from tqdm import tqdm

from ..errors import Errors
from .bio import read_bio, read_labels
from .formats import FORMATS, detect_format
from .gliner_json import read_gliner
from .passage import SPANS_KEY, Passage
from .pile_ner import read_pile_ner
from .report import Report
from .shards import write_file, write_shards
from .tokens import make_tokenizer
from .written import read_written

LABELS_FILE = "labels.txt"


def convert(
    inputs: Sequence[Path],
    output: Path,
    *,
    format: str = "auto",
    words: str = "spacy",
    lang: str = "en",
    labels: Path | None = None,
    open_labels: bool = False,
    limit: int | None = None,
    shard_size: int = 10_000,
    spans_key: str = SPANS_KEY,
    progress: bool = False,
) -> Report:
    """Convert files to Docs whose `doc.spans[spans_key]` holds the annotation.

    output: a folder, for shards of at most `shard_size` Docs; or one file, if it ends in `.spacy`.
    format: one of FORMATS, or "auto": by the first record of each file.
    words, lang: how texts are cut into words (see `make_tokenizer`).
    labels: for "bio", a file of the closed set of types; by default `labels.txt` beside the input,
        or all types of the input. open_labels: for "gliner", see `read_gliner`.
    limit: read at most so many passages of each input.

    Raises ValueError if a format is unknown, if an option does not suit it, if two inputs would
    write the same shards, or if an input has no passage that can be kept.
    """
    formats = [detect_format(path) if format == "auto" else format for path in inputs]
    names = [shard_name(path) for path in inputs]
    _check_options(formats, names, labels, open_labels)
    tokenizer = make_tokenizer(words, lang)
    report = Report()

    def read(path: Path, format: str, name: str) -> Iterator[Passage]:
        match format:
            case "pile-ner":
                return read_pile_ner(path, report, tokenizer=tokenizer, source=name)
            case "written":
                return read_written(path, report, tokenizer=tokenizer, source=name)
            case "gliner":
                return read_gliner(path, report, open_labels=open_labels, source=name)
            case _:
                return read_bio(path, report, label_set=_labels_of(path, labels), source=name)

    def kept(path: Path, format: str, name: str) -> Iterator[Passage]:
        before = report.passages
        passages = islice(read(path, format, name), limit)
        for passage in tqdm(passages, desc=name, unit=" passages", disable=not progress):
            report.keep(passage)
            yield passage
        if report.passages == before:
            raise ValueError(Errors.G204.format(path=path, format=format, causes=_causes(report)))

    streams = [kept(*item) for item in zip(inputs, formats, names, strict=True)]
    if output.suffix == ".spacy":
        write_file(chain.from_iterable(streams), output, spans_key=spans_key)
    else:
        for name, stream in zip(names, streams, strict=True):
            write_shards(stream, output, name, size=shard_size, spans_key=spans_key)
    return report


def shard_name(path: Path) -> str:
    """The input's stem; with its folder's name before it where the stem alone says little."""
    if path.stem in ("train", "dev", "test"):
        return f"{path.resolve().parent.name}-{path.stem}"
    return path.stem


def _check_options(
    formats: list[str], names: list[str], labels: Path | None, open_labels: bool
) -> None:
    for format in formats:
        if format not in FORMATS:
            raise ValueError(Errors.G205.format(format=format, formats=", ".join(FORMATS)))
        for given, option, suits in (
            (labels, "--labels", "bio"),
            (open_labels, "--open-labels", "gliner"),
        ):
            if given and format != suits:
                raise ValueError(Errors.G206.format(option=option, suits=suits, format=format))
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(Errors.G207.format(names=", ".join(twice)))


def _labels_of(path: Path, labels: Path | None) -> tuple[str, ...]:
    beside = path.parent / LABELS_FILE
    if labels is None and not beside.exists():
        return ()
    return read_labels(labels or beside)


def _causes(report: Report) -> str:
    lines = (
        f"{cause} ({report.examples[kind, cause][0]})"
        for kind, cause in report.dropped
        if kind == "passage"
    )
    return "; ".join(lines) or "the file is empty"
