"""From the name of a checkpoint to its folder."""

import re
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import snapshot_download

from ..errors import Errors
from .config import CONFIG_FILE
from .weights import PICKLED_FILE, WEIGHTS_FILE

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
TOKENIZERS = (
    "*token*.json",
    "*spm.model",
    "*spiece.model",
    "*tokenizer.model",
    "*vocab*",
    "*merges.txt",
)


@dataclass(frozen=True)
class Kind:
    """Which files of a repository make a checkpoint, as patterns.

    setting: where its name is set, for messages.
    settings: those that describe it.
    weights: those that no code can hide in. pickled: what is taken where there are none of these.
    """

    setting: str
    settings: tuple[str, ...]
    weights: tuple[str, ...]
    pickled: tuple[str, ...]


GLINER = Kind(
    "'name' of [components.gliner.model]",
    settings=(CONFIG_FILE,),
    weights=(WEIGHTS_FILE,),
    pickled=(PICKLED_FILE,),
)


def checkpoint_folder(name: str, revision: str | None = None, *, kind: Kind = GLINER) -> Path:
    """A folder itself, or that of a hub id, downloaded if it is not in the cache.

    revision: branch, tag or commit on the hub; the main branch if it is not given.
    Raises ValueError [G110] if there is neither, or if the hub cannot be reached.
    """
    if Path(name).is_dir():
        return Path(name)

    def refusal(error: object) -> ValueError:
        return ValueError(Errors.G110.format(setting=kind.setting, name=name, error=error))

    def download(*patterns: str) -> Path:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))

    if not HUB_ID.fullmatch(name):
        raise refusal("there is no such folder")
    try:
        folder = download(*kind.settings, *kind.weights, *TOKENIZERS)
        if not any(any(folder.glob(pattern)) for pattern in kind.weights):
            download(*kind.pickled)
    # Of the library's errors, those for a missing network, file or right are all OSErrors.
    except (OSError, ValueError) as error:
        raise refusal(error) from error
    return folder
