"""`python -m spacy gliner export`: a pipeline's model as a checkpoint folder."""

from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from spacy.language import Language
from typer import Argument, Option
from wasabi import Printer

from ..errors import Errors
from ..evaluation.predict import find_component
from ..factories import GLINER
from ..gliner.checkpoint import Checkpoint
from ..gliner.config import CONFIG_FILE
from ..gliner.onnx import ONNX_FILE, export_onnx
from ..pipeline.gliner import GLiNER
from ..shim import shim_of
from .app import gliner_cli
from .evaluate import load


@gliner_cli.command("export")
def export_cli(
    pipeline: Annotated[str, Argument(help="Pipeline, or 'default': the model that comes along")],
    folder: Annotated[Path, Argument(file_okay=False, help="Folder for the checkpoint")],
    dtype: Annotated[Literal["float32", "float16"], Option(help="Of the weights")] = "float32",
    pipe: Annotated[str | None, Option(help="Name of the component, if not the only one")] = None,
    onnx: Annotated[bool, Option("--onnx", help="Write model.onnx too, and check it")] = False,
    force: Annotated[bool, Option("--force", help="Write even among other files")] = False,
) -> None:
    """Write the model of a pipeline as a checkpoint folder, as `model.name` takes it.

    A checkpoint in the folder is replaced. float16 halves the size; the weights are loaded as
    float32 again. The ONNX graph, for the reference library and for other runtimes, has float32.
    """
    msg = Printer()
    try:
        check_folder(folder, force=force)
        checkpoint = find_checkpoint(load(pipeline), pipe)
        # One from an earlier export would be another model's.
        (folder / ONNX_FILE).unlink(missing_ok=True)
        difference = export_onnx(checkpoint, folder / ONNX_FILE) if onnx else None
    # OSError: spaCy finds no such pipeline; ImportError: ONNX is not installed
    except (ValueError, OSError, ImportError) as error:
        msg.fail(str(error), exits=1)
    checkpoint.to_disk(folder, dtype=getattr(torch, dtype))
    msg.good(f"Saved the checkpoint to {folder}")
    if difference is not None:
        msg.good(f"{ONNX_FILE} gives the same probabilities: they differ by {difference:.0e}")


def check_folder(folder: Path, *, force: bool) -> None:
    """Raises ValueError [G108] if files that are no checkpoint might be overwritten."""
    occupied = folder.is_dir() and any(folder.iterdir())
    if occupied and not force and not (folder / CONFIG_FILE).is_file():
        raise ValueError(Errors.G108.format(folder=folder, file=CONFIG_FILE))


def find_checkpoint(nlp: Language, name: str | None) -> Checkpoint:
    """The checkpoint of the named component, or of the only one. Raises ValueError without one."""
    name = find_component(nlp, name, factories=(GLINER,))
    component: Any = nlp.get_pipe(name)
    if not isinstance(component, GLiNER):
        kind = type(component).__name__
        raise ValueError(Errors.G109.format(name=name, type=kind))
    checkpoint = shim_of(component.model).checkpoint
    if checkpoint.config.shared_width is not None:
        raise ValueError(Errors.G123.format(name=name))
    return checkpoint
