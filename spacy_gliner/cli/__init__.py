"""The command line: `python -m spacy gliner ...`. Importing it registers all commands."""

from . import convert, demo, evaluate, export, import_model, report, train
from .app import gliner_cli

__all__ = ["convert", "demo", "evaluate", "export", "gliner_cli", "import_model", "report", "train"]
