"""The command line: `python -m spacy gliner ...`."""

import typer
from spacy.cli._util import app

gliner_cli = typer.Typer(name="gliner", help="Zero-shot NER with GLiNER.", no_args_is_help=True)
app.add_typer(gliner_cli)

from . import convert, demo, evaluate, export, report, train  # noqa: E402, F401
