"""The settings of a network, as `gliner_config.json` stores them."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import Errors
from ..fields import mistyped
from ..folders import read_object

CONFIG_FILE = "gliner_config.json"
TOKEN_LEVEL = "token_level"
POOLINGS = ("first", "last", "mean", "max")

# Settings of published architectures that do something else than finding entities, or do it with
# layers that are not here: with them the weights mean something else.
FOREIGN = {
    "decoder_config": "a streaming model",
    "labels_decoder": "a decoder that writes labels",
    "relations_layer": "the extraction of relations",
    "represent_spans": "scores of spans in a token-level model",
    "span_encoder_config": "an encoder of spans",
}


@dataclass(frozen=True)
class GLiNERConfig:
    """Keys and defaults are those of published checkpoints, so that the folders are the same.

    model_name: the encoder that training began with. Where the folder lacks the encoder's settings
        or the tokenizer, they are taken from there.
    encoder_config: the encoder's own configuration.
    hidden_size: the width of word and type vectors.
    max_width: the longest span, in words.
    span_mode: the scorer; "token_level" scores the first, the last and the inner words of spans.
    subtoken_pooling: which of its word pieces make a word's vector.
    embed_ent_token: a type's vector is that of its marker; if not, of the piece behind it.
    fuse_layers: vectors are a weighted sum over the encoder's layers.
    class_token_index, vocab_size: the marker's piece id and the number of pieces; -1 if unknown.
    max_len: the longest text the model was trained with, in words.
    labels_encoder, labels_encoder_config: a bi-encoder's second encoder, which reads the labels.
    shared_width: the width of the vectors that another component of the pipeline makes of words;
        such a model has no encoder of its own for them, and is no published format.
    text_window: the word pieces of text, labels not counted, that are best read at once, since a
        model finds less in longer texts than it was trained on. None: as the encoder can read.
    """

    model_name: str
    encoder_config: dict[str, Any] | None = None
    hidden_size: int = 512
    max_width: int = 12
    dropout: float = 0.4
    span_mode: str = "markerV0"
    subtoken_pooling: str = "first"
    embed_ent_token: bool = True
    fuse_layers: bool = False
    num_rnn_layers: int = 1
    ent_token: str = "<<ENT>>"
    sep_token: str = "<<SEP>>"
    class_token_index: int = -1
    vocab_size: int = -1
    max_len: int = 384
    words_splitter_type: str = "whitespace"
    labels_encoder: str | None = None
    labels_encoder_config: dict[str, Any] | None = None
    post_fusion_schema: str = ""
    shared_width: int | None = None
    text_window: int | None = None

    @property
    def is_bi_encoder(self) -> bool:
        return self.labels_encoder is not None

    @property
    def is_token_level(self) -> bool:
        return self.span_mode == TOKEN_LEVEL

    @property
    def joins_words(self) -> bool:
        """Spans are single words, and neighbours of one type mean one entity."""
        return self.max_width == 1 and not self.is_token_level

    def to_disk(self, folder: Path) -> None:
        settings = {key: value for key, value in asdict(self).items() if value is not None}
        # Not by srsly, which writes an encoder's layer_norm_eps of 1e-12 as 0.
        (folder / CONFIG_FILE).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf8")

    @classmethod
    def from_disk(cls, folder: Path) -> "GLiNERConfig":
        """Raises ValueError if the file is missing, damaged or incomplete, or of another kind."""
        path = folder / CONFIG_FILE
        if not path.is_file():
            raise ValueError(Errors.G101.format(folder=folder, file=CONFIG_FILE))
        stored = read_object(path)
        if "model_name" not in stored:
            raise ValueError(Errors.G102.format(path=path, missing=["model_name"]))
        if "has_rnn" in stored:
            stored.setdefault("num_rnn_layers", int(stored["has_rnn"]))
        known = {field.name for field in fields(cls)}
        # A setting that is null is one that was not made.
        config = cls(**{k: v for k, v in stored.items() if k in known and v is not None})
        config._check(path, stored)
        return config

    def _check(self, path: Path, stored: dict[str, Any]) -> None:
        for name, value, kind in mistyped(self):
            raise ValueError(Errors.G111.format(path=path, name=name, value=value, demand=kind))
        if self.subtoken_pooling not in POOLINGS:
            demand = "one of " + ", ".join(POOLINGS)
            value = self.subtoken_pooling
            raise ValueError(
                Errors.G111.format(path=path, name="subtoken_pooling", value=value, demand=demand)
            )
        for name, what in FOREIGN.items():
            if stored.get(name):
                raise ValueError(Errors.G112.format(path=path, name=name, what=what))
        # Uni-encoders have these layers too, but never use them.
        if self.is_bi_encoder and self.post_fusion_schema:
            what = "a fusion of texts and labels"
            raise ValueError(Errors.G112.format(path=path, name="post_fusion_schema", what=what))
        if self.num_rnn_layers > 1:
            what = "an LSTM of several layers"
            raise ValueError(Errors.G112.format(path=path, name="num_rnn_layers", what=what))
