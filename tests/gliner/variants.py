"""Tiny checkpoints with random weights, of any variant of the format."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from spacy_gliner.gliner.bi_encoder import BiRowBuilder
from spacy_gliner.gliner.build import build_network
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.prompt import PromptBuilder, RowBuilder


def make_variant(checkpoint: Checkpoint, **settings: Any) -> Checkpoint:
    """A checkpoint with other settings, and the encoder of the one that is given."""
    torch.manual_seed(1)
    config = replace(checkpoint.config, **settings)
    network = build_network(config)
    encoder = checkpoint.network.encoder.transformer.state_dict()
    network.encoder.transformer.load_state_dict(encoder)
    tokenizer = checkpoint.prompts.tokenizer
    prompts: RowBuilder
    if config.is_bi_encoder:
        prompts = BiRowBuilder(tokenizer, config, deepcopy(tokenizer))
    else:
        prompts = PromptBuilder(tokenizer, config)
    return Checkpoint(config, network.eval(), prompts)


def make_bi_encoder(checkpoint: Checkpoint, **settings: Any) -> Checkpoint:
    """A checkpoint whose labels are read by an encoder of their own."""
    made = make_variant(
        checkpoint,
        labels_encoder="none",
        labels_encoder_config=checkpoint.config.encoder_config,
        **settings,
    )
    return made


@torch.inference_mode()
def score(checkpoint: Checkpoint, rows: list[tuple[list[str], list[str]]]) -> torch.Tensor:
    """Logits for rows of (types, words)."""
    types = checkpoint.prompts.types([types for types, _ in rows])
    words = checkpoint.prompts.units([words for _, words in rows])
    return checkpoint.network(checkpoint.prompts.batch(list(zip(types, words, strict=True))))
