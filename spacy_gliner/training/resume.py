"""Training that can be stopped at any time and goes on where it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from spacy.language import Language
from thinc.api import Config

from ..checkpoint_shim import CheckpointShim
from ..errors import Errors
from ..factories import FACTORIES

STATE_FILE = "training_state.pt"
CALLBACK = "spacy_gliner.checkpoint.v1"


def resumable(config: Config, folder: Path, every: int) -> Config:
    """The config of a run that saves its state in the folder, and starts from the one there.

    What is left of `max_steps` is trained; data and types are drawn in another order than before.
    Raises ValueError if `max_steps` is not set, or if all steps are done.
    """
    config = config.interpolate()
    settings = config["training"]
    if not settings["max_steps"]:
        raise ValueError(Errors.G408)
    done = steps_done(folder)
    if done >= settings["max_steps"]:
        raise ValueError(
            Errors.G409.format(done=done, max_steps=settings["max_steps"], folder=folder)
        )
    settings["max_steps"] -= done
    settings["seed"] = (settings["seed"] or 0) + done
    settings["before_update"] = {"@callbacks": CALLBACK, "folder": str(folder), "every": every}
    return config


def steps_done(folder: Path) -> int:
    """The steps of the run whose state is in the folder; 0 if there is none."""
    path = folder / STATE_FILE
    return int(torch.load(path, weights_only=True)["steps"]) if path.is_file() else 0


def make_checkpoint_callback(folder: str, every: int) -> Callable[[Language, dict[str, Any]], None]:
    """A `before_update` callback that restores the state at the first step, and saves it later.

    (`spacy_gliner.checkpoint.v1`) It works on the first component of our factories.
    every: steps between two savings.
    """
    path = Path(folder)

    def callback(nlp: Language, info: dict[str, Any]) -> None:
        step = info["step"]
        if step == 0:
            restore(nlp, path)
        elif step % every == 0:
            save(nlp, path)

    return callback


def save(nlp: Language, folder: Path) -> None:
    """Write weights and optimizer; the file there is replaced only by a complete one."""
    shim = _shim(nlp)
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{STATE_FILE}.partial"
    torch.save({**shim.training_state(), "network": shim.checkpoint.network.state_dict()}, partial)
    partial.replace(folder / STATE_FILE)


def restore(nlp: Language, folder: Path) -> None:
    """Read what `save` wrote, if there is anything."""
    path = folder / STATE_FILE
    if path.is_file():
        shim = _shim(nlp)
        state = torch.load(path, map_location=shim.checkpoint.network.device, weights_only=True)
        shim.checkpoint.network.load_state_dict(state.pop("network"))
        shim.load_training_state(state)


def _shim(nlp: Language) -> CheckpointShim:
    for name in nlp.pipe_names:
        if nlp.get_pipe_meta(name).factory in FACTORIES:
            pipe: Any = nlp.get_pipe(name)
            return pipe.model.shims[0]
    raise ValueError(Errors.G410.format(pipes=nlp.pipe_names))
