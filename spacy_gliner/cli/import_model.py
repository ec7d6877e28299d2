"""`python -m spacy gliner import`: a checkpoint as a spaCy pipeline."""

from pathlib import Path
from typing import Annotated

import spacy
from typer import Argument, Option
from wasabi import Printer

from ..factories import GLINER
from .app import gliner_cli


@gliner_cli.command("import")
def import_cli(
    name: Annotated[str, Argument(help="Checkpoint folder or hub id, or 'default'")],
    folder: Annotated[Path, Argument(file_okay=False, help="Folder for the pipeline")],
    labels: Annotated[str, Option(help="What to look for, as in person,city")] = "",
    threshold: Annotated[float, Option(help="Published checkpoints are made for 0.5")] = 0.5,
    mode: Annotated[str, Option(help="flat, nested or multi_label")] = "flat",
    words: Annotated[str, Option(help="spacy, or regex: as the checkpoint was trained")] = "spacy",
    lang: Annotated[str, Option(help="Language of the pipeline's tokenizer")] = "en",
    revision: Annotated[str | None, Option(help="Branch, tag or commit of a hub id")] = None,
) -> None:
    """Make a pipeline of a checkpoint, ready for spacy.load: all of the model is in its folder."""
    msg = Printer()
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": name, "revision": revision}
    try:
        nlp = spacy.blank(lang)
        nlp.add_pipe(
            GLINER,
            config={
                "model": model,
                "labels": [label.strip() for label in labels.split(",") if label.strip()],
                "threshold": threshold,
                "mode": mode,
                "words": words,
            },
        )
        nlp.to_disk(folder)
    except (ValueError, ImportError) as error:  # ImportError: spaCy knows no such language
        msg.fail(str(error), exits=1)
    msg.good(f"Saved the pipeline to {folder}")
