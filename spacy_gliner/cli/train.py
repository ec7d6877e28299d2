"""`python -m spacy gliner train`: `spacy train` that can be stopped and goes on where it was."""

import sys
from pathlib import Path
from typing import Annotated

from spacy import util
from spacy.cli._util import import_code, parse_config_overrides, setup_gpu
from spacy.training.initialize import init_nlp
from spacy.training.loop import train
from typer import Argument, Context, Option
from wasabi import Printer

from ..training.resume import resumable, steps_done
from .app import gliner_cli

STATE_FOLDER = "state"


@gliner_cli.command(
    "train", context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def train_cli(
    context: Context,
    config: Annotated[Path, Argument(exists=True, dir_okay=False, help="Training config")],
    output: Annotated[Path, Option(help="Folder for the pipelines and the state")],
    every: Annotated[int, Option(min=1, help="Steps between two savings of the state")] = 200,
    gpu_id: Annotated[int, Option(help="GPU, or -1 for the CPU")] = -1,
    code: Annotated[Path | None, Option(exists=True, help="Python file to import first")] = None,
) -> None:
    """Train like `spacy train`, with the same overrides, and save the state as it goes.

    Run the same command again after an interruption: it goes on from the last saved step, with
    the optimizer and the learning rate of then.
    """
    msg = Printer()
    import_code(code)
    setup_gpu(gpu_id)
    overrides = parse_config_overrides(context.args)
    state = output / STATE_FOLDER
    try:
        settings = resumable(
            util.load_config(config, overrides=overrides, interpolate=False), state, every
        )
    except ValueError as error:
        msg.fail(str(error), exits=1)
    if done := steps_done(state):
        msg.info(f"Going on after step {done}")
    output.mkdir(parents=True, exist_ok=True)
    nlp = init_nlp(settings, use_gpu=gpu_id)
    train(nlp, output, use_gpu=gpu_id, stdout=sys.stdout, stderr=sys.stderr)
