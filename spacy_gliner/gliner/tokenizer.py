"""A checkpoint's tokenizers, with the markers that its model was trained with."""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerFast

from ..errors import Errors
from .config import GLiNERConfig

TOKENIZER_FILE = "tokenizer_config.json"
# The first releases of GLiNER added it as well, and never used it.
FLERT = "[FLERT]"


def load_tokenizer(folder: Path, source: str) -> PreTrainedTokenizerFast:
    """The tokenizer in a folder, or else that of the encoder it was made from.

    source: folder or hub id of the encoder; of use only where the folder has none.
    Raises ValueError if there is none, or none that runs fast.
    """
    own = (folder / TOKENIZER_FILE).is_file()
    try:
        tokenizer = (
            AutoTokenizer.from_pretrained(folder, local_files_only=True)
            if own
            else AutoTokenizer.from_pretrained(source)
        )
    except (OSError, ValueError) as error:
        what = "tokenizer"
        raise ValueError(
            Errors.G114.format(folder=folder, what=what, source=source, error=error)
        ) from error
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ValueError(Errors.G106.format(encoder=folder if own else source))
    return tokenizer


def load_encoder_config(
    stored: dict[str, Any] | None, *, folder: Path, source: str
) -> dict[str, Any]:
    """An encoder's settings as they are stored, or else those of the encoder it was made from."""
    if stored:
        # Old folders leave it out where the encoder is DeBERTa, as most are.
        return {"model_type": "deberta-v2", **stored}
    try:
        return AutoConfig.from_pretrained(source).to_dict()
    except (OSError, ValueError) as error:
        what = "configuration"
        raise ValueError(
            Errors.G114.format(folder=folder, what=what, source=source, error=error)
        ) from error


def add_markers(
    tokenizer: PreTrainedTokenizerFast, config: GLiNERConfig, *, rows: int, folder: Path
) -> None:
    """Give the markers the ids that they were trained with, if the tokenizer lacks them.

    rows: how many word pieces the encoder has vectors of. It tells which markers were added.
    Raises ValueError [G115] if it is no number that fits.
    """
    known = tokenizer.get_vocab()
    if config.ent_token in known and config.sep_token in known:
        return
    markers = {2: [config.ent_token, config.sep_token]}
    markers[3] = [FLERT, *markers[2]]
    pieces = len(tokenizer)
    if rows - pieces not in markers:
        source = config.model_name
        raise ValueError(Errors.G115.format(folder=folder, rows=rows, pieces=pieces, source=source))
    tokenizer.add_tokens(markers[rows - pieces], special_tokens=True)
