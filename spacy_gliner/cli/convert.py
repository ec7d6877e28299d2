"""`python -m spacy gliner convert`: data sets -> `.spacy` files."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option
from wasabi import Printer

from ..corpus.convert import convert
from ..corpus.passage import SPANS_KEY
from ..corpus.report import Report
from .app import gliner_cli


@gliner_cli.command("convert")
def convert_cli(
    inputs: Annotated[list[Path], Argument(exists=True, dir_okay=False, help="Files to read")],
    output: Annotated[Path, Argument(help="Folder for shards, or one .spacy file")],
    format: Annotated[str, Option(help="auto, pile-ner, gliner, written or bio")] = "auto",
    words: Annotated[str, Option(help="How texts are cut: spacy or regex")] = "spacy",
    lang: Annotated[str, Option(help="Language of spaCy's tokenizer")] = "en",
    labels: Annotated[
        Path | None,
        Option(exists=True, dir_okay=False, help="bio: file of all types, one a line"),
    ] = None,
    open_labels: Annotated[
        bool, Option("--open-labels", help="gliner: 'labels' is no closed set, ignore it")
    ] = False,
    limit: Annotated[int | None, Option(min=1, help="Most passages of each input")] = None,
    shard_size: Annotated[int, Option(min=1, help="Most Docs in a shard")] = 10_000,
    spans_key: Annotated[str, Option(help="Key of doc.spans to write to")] = SPANS_KEY,
) -> None:
    """Convert annotated data sets to .spacy files, and report what was dropped."""
    msg = Printer()
    try:
        report = convert(
            inputs,
            output,
            format=format,
            words=words,
            lang=lang,
            labels=labels,
            open_labels=open_labels,
            limit=limit,
            shard_size=shard_size,
            spans_key=spans_key,
            progress=True,
        )
    except ValueError as error:
        msg.fail(str(error), exits=1)
    print_report(report, msg)
    msg.good(f"Written to {output}")


def print_report(report: Report, msg: Printer) -> None:
    """Print the counts, then a line for each cause with its examples."""
    counts = {
        "Passages": report.passages,
        "Words": report.words,
        "Spans": report.spans,
        "Types": len(report.types),
    }
    msg.table({name: f"{count:,}" for name, count in counts.items()}, aligns=("l", "r"))
    if report.dropped:
        rows = [(kind, cause, f"{count:,}") for (kind, cause), count in report.dropped.items()]
        msg.table(sorted(rows), header=("Dropped", "Why", "Count"), divider=True)
        for (kind, cause), examples in sorted(report.examples.items()):
            msg.text(f"{kind}, {cause}:")
            for example in examples:
                msg.text(f"  {example}")
