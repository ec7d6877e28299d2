"""The command line: `python -m spacy gliner ...`."""

import typer
from spacy.cli._util import app

gliner_cli = typer.Typer(name="gliner", help="Zero-shot NER with GLiNER.", no_args_is_help=True)
app.add_typer(gliner_cli)

from spacy_gliner.cli import convert, evaluate, report  # noqa: E402, F401
