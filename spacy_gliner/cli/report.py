"""`python -m spacy gliner report`: our results beside the published ones."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option
from wasabi import Printer

from ..errors import Errors
from ..evaluation.datasets import split_name
from ..evaluation.plot import plot_averages
from ..evaluation.report import collate, read_evaluation, render, replace_section
from ..evaluation.results import Evaluation
from .app import gliner_cli


@gliner_cli.command("report")
def report_cli(
    metrics: Annotated[list[str], Argument(help="Files of `evaluate --output`, or NAME=PATH")],
    readme: Annotated[Path | None, Option(help="Put the tables between its markers")] = None,
    plot: Annotated[Path | None, Option(help="PNG file for a plot of the averages")] = None,
) -> None:
    """Collate evaluations into a table of our and published zero-shot results."""
    msg = Printer()
    try:
        evaluations = read_evaluations(metrics)
        print(render(evaluations))
        if readme is not None:
            update(readme, evaluations)
            msg.good(f"Updated {readme}")
        if plot is not None:
            plot_averages(collate(evaluations), plot)
            msg.good(f"Saved plot to {plot}")
    except (ValueError, ImportError) as error:
        msg.fail(str(error), exits=1)


def read_evaluations(arguments: list[str]) -> dict[str, Evaluation]:
    """Read each file, named by its `NAME=` or else by its model.

    Raises ValueError if a file is no evaluation, or if two have the same name.
    """
    evaluations: dict[str, Evaluation] = {}
    for argument in arguments:
        name, path = split_name(argument)
        result = read_evaluation(path)
        name = name or result["model"]
        if name in evaluations:
            raise ValueError(Errors.G309.format(name=name, argument=argument))
        evaluations[name] = result
    return evaluations


def update(readme: Path, evaluations: dict[str, Evaluation]) -> None:
    """Rewrite the section of results in the file. Raises ValueError if it has no place for it."""
    text = readme.read_text(encoding="utf8") if readme.is_file() else ""
    section = replace_section(text, render(evaluations), source=readme)
    readme.write_text(section, encoding="utf8")
