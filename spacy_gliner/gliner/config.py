"""The settings of a network, as `gliner_config.json` stores them."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import srsly

from ..errors import Errors

CONFIG_FILE = "gliner_config.json"


@dataclass(frozen=True)
class GLiNERConfig:
    """Keys have the names of published checkpoints, so that the folders are the same.

    model_name: the encoder that training began with; only for the record once it is saved.
    encoder_config: the encoder's own configuration.
    max_width: the longest span, in words.
    hidden_size: the width of word and type vectors.
    max_len: the longest row that the encoder reads, in word pieces.
    """

    model_name: str
    encoder_config: dict[str, Any]
    hidden_size: int
    max_width: int = 12
    dropout: float = 0.0
    span_mode: str = "markerV0"
    subtoken_pooling: str = "first"
    num_rnn_layers: int = 1
    ent_token: str = "<<ENT>>"
    sep_token: str = "<<SEP>>"
    class_token_index: int = -1
    vocab_size: int = -1
    max_len: int = 512
    words_splitter_type: str = "whitespace"

    def to_disk(self, folder: Path) -> None:
        srsly.write_json(folder / CONFIG_FILE, asdict(self))

    @classmethod
    def from_disk(cls, folder: Path) -> "GLiNERConfig":
        """Raises ValueError if the file is missing or lacks a setting."""
        path = folder / CONFIG_FILE
        if not path.is_file():
            raise ValueError(Errors.G101.format(folder=folder, file=CONFIG_FILE))
        stored = srsly.read_json(path)
        known = {field.name for field in fields(cls)}
        missing = {"model_name", "encoder_config", "hidden_size"} - stored.keys()
        if missing:
            raise ValueError(Errors.G102.format(path=path, missing=sorted(missing)))
        return cls(**{key: value for key, value in stored.items() if key in known})
