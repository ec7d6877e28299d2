"""The command group that the commands register on."""

import typer
from spacy.cli._util import app

gliner_cli = typer.Typer(name="gliner", help="Zero-shot NER with GLiNER.", no_args_is_help=True)
app.add_typer(gliner_cli)
