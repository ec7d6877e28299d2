"""`python -m spacy gliner evaluate`: zero-shot scores of a pipeline on data sets."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import spacy
from spacy.cli._util import import_code
from spacy.language import Language
from typer import Argument, Option
from wasabi import Printer

from ..errors import Errors
from ..evaluation import tables
from ..evaluation.evaluate import evaluate
from ..evaluation.results import Evaluation, manner
from ..factories import GLINER
from .app import gliner_cli

DEFAULT_MODEL = "default"


@gliner_cli.command("evaluate")
def evaluate_cli(
    model: Annotated[str, Argument(help="Pipeline, or 'default': the model that comes along")],
    data: Annotated[list[str], Argument(help=".spacy files or folders of them, or NAME=PATH")],
    output: Annotated[Path | None, Option(help="JSON file for all figures")] = None,
    markdown: Annotated[Path | None, Option(help="Markdown file for the table")] = None,
    pipe: Annotated[str | None, Option(help="Name of the component, if not the only one")] = None,
    threshold: Annotated[float | None, Option(help="Instead of the component's own")] = None,
    thresholds: Annotated[str | None, Option(help="Compare several, as in 0.3,0.4")] = None,
    decoding: Annotated[
        Literal["forced", "free"] | None, Option(help="Of a gner component, not its own")
    ] = None,
    limit: Annotated[int | None, Option(min=1, help="Passages of each data set")] = None,
    drop_labels: Annotated[str, Option(help="Types not to ask for, as in misc,else")] = "",
    lower_labels: Annotated[
        bool, Option("--lower-labels/--keep-labels", help="Ask for types in lower case or as given")
    ] = True,
    code: Annotated[Path | None, Option(exists=True, help="Python file to import first")] = None,
    verbose: Annotated[bool, Option("--verbose", help="Print types and mistakes too")] = False,
) -> None:
    """Evaluate zero-shot: each passage is asked for the types it was annotated for.

    F1 is of exact spans; text F1 is GNER's looser metric. Closed and open passages of one data set
    are scored apart.
    """
    msg = Printer()
    import_code(code)
    try:
        evaluations = evaluate(
            load(model),
            data,
            {
                "model": model,
                "limit": limit,
                "drop_labels": [label.strip() for label in drop_labels.split(",") if label.strip()],
                "lower_labels": lower_labels,
            },
            component=pipe,
            thresholds=parse_thresholds(threshold, thresholds),
            decoding=decoding,
        )
    except (ValueError, OSError) as error:  # OSError: spaCy finds no such pipeline
        msg.fail(str(error), exits=1)
    single = thresholds is None
    table = tables.results_table(evaluations[0]) if single else tables.sweep_table(evaluations)
    print(table)
    if verbose:
        print_details(evaluations)
    figures = evaluations[0] if single else evaluations
    for path, text in ((output, json.dumps(figures, indent=2)), (markdown, table)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf8")
            msg.good(f"Saved {path}")


def load(model: str) -> Language:
    """Load a pipeline, or make the default one: English with our component alone."""
    if model != DEFAULT_MODEL:
        return spacy.load(model)
    nlp = spacy.blank("en")
    nlp.add_pipe(GLINER)
    return nlp


def parse_thresholds(threshold: float | None, thresholds: str | None) -> tuple[float, ...]:
    """The thresholds asked for, ascending; none if neither option is given.

    Raises ValueError if both are given, or if one is not a number between 0 and 1.
    """
    if threshold is not None and thresholds is not None:
        raise ValueError(Errors.G305)
    option = "--threshold" if thresholds is None else "--thresholds"
    values = [threshold] if thresholds is None else thresholds.split(",")
    return tuple(sorted({_threshold(value, option) for value in values if value is not None}))


def print_details(evaluations: Iterable[Evaluation]) -> None:
    """Print the types of each data set and the kinds of mistakes, of each evaluation."""
    for result in evaluations:
        print(f"\n{manner(result).capitalize()}\n\n{tables.mistakes_table(result)}")
        for name, scores in result["sets"].items():
            print(f"\n{name}, {scores['left_out']} marked mentions not asked for\n")
            print(tables.types_table(scores))


def _threshold(value: str | float, option: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number < 1:
        raise ValueError(Errors.G304.format(value=value, option=option))
    return number
