"""Checkpoint folders as the reference library writes them, one for each variant of the format."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from .encoders import Encoder, quiet
from .texts import LABELS, TEXTS

# What a `gliner_config.json` of the first versions has; the rest they took from the hub.
LEGACY_KEYS = {
    "model_name",
    "name",
    "max_width",
    "hidden_size",
    "dropout",
    "fine_tune",
    "subtoken_pooling",
    "span_mode",
    "max_neg_type_ratio",
    "max_types",
    "max_len",
}
LEGACY_LEFTOVERS = {"has_rnn": True, "lr_encoder": "1e-5", "num_steps": 30000}
# A probability of about 0.99: those nearer to 1 would be alike, and so be chosen by chance.
HIGHEST_LOGIT = 5.0


@dataclass(frozen=True)
class Variant:
    """One variant of the checkpoint format.

    settings: those of its config in which it differs from the library's defaults.
    bi_encoder: the labels have an encoder of their own.
    flert: the library's old special token is in the vocabulary too.
    legacy: pickled weights, and neither tokenizer nor encoder settings in the folder.
    batch_size: how many texts the library is asked at a time.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    bi_encoder: bool = False
    flert: bool = True
    legacy: bool = False
    batch_size: int = 8

    @property
    def threshold(self) -> float:
        """One that a part of the scores passes: a token-level span needs several that do."""
        return 0.5 if self.settings.get("span_mode") == "token_level" else 0.65

    @property
    def joins_words(self) -> bool:
        """Its spans are single words, which are joined to entities afterwards."""
        return self.settings.get("max_width") == 1


VARIANTS = (
    Variant("markerV0"),
    Variant("marker", {"span_mode": "marker"}),
    Variant("token_level", {"span_mode": "token_level"}),
    Variant("bi_span", bi_encoder=True),
    Variant("bi_token", {"span_mode": "token_level"}, bi_encoder=True),
    Variant("embed_label", {"embed_ent_token": False}),
    # The library's average over a text's pieces takes in padding, so that scores depend on what
    # else is in the batch. Alone, a text has none.
    Variant("fuse_layers", {"fuse_layers": True}, batch_size=1),
    Variant("pool_last", {"subtoken_pooling": "last"}),
    Variant("pool_mean", {"subtoken_pooling": "mean"}),
    Variant("pool_max", {"subtoken_pooling": "max"}),
    Variant("projected", {"hidden_size": 64}),
    Variant("no_lstm", {"num_rnn_layers": 0}),
    Variant("nuner", {"span_mode": "marker", "max_width": 1}),
    Variant("legacy", legacy=True),
    Variant("no_flert", flert=False),
)


def write_checkpoint(folder: Path, variant: Variant, encoder: Encoder) -> Path:
    """Make a model with the library, its heads random, and let the library save it."""
    with quiet():
        from gliner import GLiNER
        from gliner.model import BaseGLiNER

    config = {
        "model_name": str(encoder.text),
        "hidden_size": json.loads((encoder.text / "config.json").read_text())["hidden_size"],
        "labels_encoder": str(encoder.labels) if variant.bi_encoder else None,
        **variant.settings,
    }
    tokens = ["<<ENT>>", "<<SEP>>"]
    if variant.flert:
        tokens = ["[FLERT]", *tokens]
    torch.manual_seed(0)
    with quiet(), mock.patch.object(BaseGLiNER, "_get_special_tokens", lambda _: tokens):
        model = GLiNER.from_config(config, backbone_from_pretrained=True, local_files_only=True)
    if config.get("fuse_layers"):
        _wake(model.model.token_rep_layer.bert_layer.layers_fuser)
    _spread(model)
    model.save_pretrained(folder, safe_serialization=not variant.legacy)
    if variant.legacy:
        _make_legacy(folder)
    return folder


def load(folder: Path) -> Any:
    """Load a folder with the library; touches no network."""
    with quiet():
        from gliner import GLiNER

        return GLiNER.from_pretrained(str(folder), local_files_only=True)


def _make_legacy(folder: Path) -> None:
    config = json.loads((folder / "gliner_config.json").read_text())
    for path in folder.iterdir():
        if path.name != "pytorch_model.bin":
            path.unlink()
    kept = {key: value for key, value in config.items() if key in LEGACY_KEYS}
    (folder / "gliner_config.json").write_text(json.dumps({**kept, **LEGACY_LEFTOVERS}))


def _wake(fuser: nn.Module) -> None:
    """Let the weights of the layers depend on the text: so few random units may all be silent."""
    nn.init.normal_(fuser.W1.weight)
    nn.init.ones_(fuser.W1.bias)
    nn.init.normal_(fuser.W2.weight)


@torch.no_grad()
def _spread(model: Any) -> None:
    """Centre and scale the scores: those of random heads are all about 0.5, whatever the text."""
    prepared = model.prepare_batch(list(TEXTS[::3]), list(LABELS))
    batch = model.collate_batch(prepared["input_x"], prepared["entity_types"])
    if hasattr(model.model, "scorer"):
        _spread_words(model.model, model.run_batch(batch))
    else:
        output = model.run_batch(batch, return_vectors=True)
        _spread_spans(model.model, output, batch["span_mask"])


def _spread_spans(model: nn.Module, output: Any, real: Tensor) -> None:
    """A score is the product of a span and a type: centre both, then scale the types."""
    spans = output.span_embeddings.flatten(1, 2)[real]
    types = output.prompts_embedding.flatten(0, 1)
    _last_linear(model.span_rep_layer).bias.sub_(spans.mean(dim=0))
    type_layer = _last_linear(model.prompt_rep_layer)
    type_layer.bias.sub_(types.mean(dim=0))
    logits = (spans - spans.mean(dim=0)) @ (types - types.mean(dim=0)).T
    scale = HIGHEST_LOGIT / logits.max()
    type_layer.weight.mul_(scale)
    type_layer.bias.mul_(scale)


def _spread_words(model: nn.Module, output: Any) -> None:
    """A word has scores for start, end and inside; many are inside, or no span is long."""
    logits = output.logits[output.mask.bool()].flatten(0, 1)
    mean, deviation = logits.mean(dim=0), logits.std(dim=0)
    layer = _last_linear(model.scorer)
    layer.weight.div_(deviation[:, None])
    layer.bias.sub_(mean).div_(deviation).add_(torch.tensor([0.0, 0.0, 1.0]))


def _last_linear(module: nn.Module) -> nn.Linear:
    return [layer for layer in module.modules() if isinstance(layer, nn.Linear)][-1]
