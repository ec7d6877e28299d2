"""From the name of a checkpoint to its folder."""

import re
from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download

from ..errors import Errors
from .config import CONFIG_FILE
from .weights import PICKLED_FILE, WEIGHTS_FILE

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
# Settings, tokenizers, and weights that no code can hide in.
WANTED = [
    CONFIG_FILE,
    WEIGHTS_FILE,
    "*token*.json",
    "*spm.model",
    "*spiece.model",
    "*tokenizer.model",
    "*vocab*",
    "*merges.txt",
]


def checkpoint_folder(name: str, revision: str | None = None) -> Path:
    """A folder itself, or that of a hub id, downloaded if it is not in the cache.

    revision: branch, tag or commit on the hub; the main branch if it is not given.
    Raises ValueError [G110] if there is neither, or if the hub cannot be reached.
    """
    if Path(name).is_dir():
        return Path(name)
    if not HUB_ID.fullmatch(name):
        raise ValueError(Errors.G110.format(name=name, error="there is no such folder"))
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=WANTED))
        if not (folder / WEIGHTS_FILE).is_file():
            hf_hub_download(name, PICKLED_FILE, revision=revision)
    # Of the library's errors, those for a missing network, file or right are all OSErrors.
    except (OSError, ValueError) as error:
        raise ValueError(Errors.G110.format(name=name, error=error)) from error
    return folder
