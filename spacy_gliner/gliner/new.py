"""A pretrained encoder under a head that is yet to be trained."""

from dataclasses import replace

import torch
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerFast,
)

from ..errors import Errors
from .build import build_network, with_fast_attention
from .checkpoint import Checkpoint
from .config import GLiNERConfig
from .prompt import PromptBuilder
from .shared import SharedRowBuilder

# About the longest rows of training by its default settings.
TEXT_WINDOW = 128
ENCODER_DROPOUTS = {
    "attention_dropout",
    "attention_probs_dropout_prob",
    "dropout",
    "hidden_dropout_prob",
}


def new_checkpoint(
    encoder: str,
    *,
    hidden_size: int | None,
    max_width: int,
    span_mode: str = "markerV0",
    name: str | None = None,
) -> Checkpoint:
    """A pretrained encoder (folder or hub id) under a head with random weights.

    name: what the settings record as the encoder, if that is not where it lies on this machine.
    """
    tokenizer, settings = _pretrained(encoder)
    transformer = AutoModel.from_pretrained(encoder, config=settings)
    config = GLiNERConfig(
        model_name=name or encoder,
        hidden_size=hidden_size or settings.hidden_size,
        max_width=max_width,
        dropout=0.0,
        span_mode=span_mode,
        text_window=TEXT_WINDOW,
    )
    tokenizer.add_tokens([config.ent_token, config.sep_token], special_tokens=True)
    transformer.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    _start_markers(transformer.get_input_embeddings().weight, tokenizer)
    config = replace(
        config,
        encoder_config=transformer.config.to_diff_dict(),
        class_token_index=tokenizer.convert_tokens_to_ids(config.ent_token),
        vocab_size=len(tokenizer),
    )
    network = build_network(config)
    network.encoder.transformer = with_fast_attention(transformer)
    if network.words is not None:
        network.words.start_near_identity()
    return Checkpoint(config, network.eval(), PromptBuilder(tokenizer, config))


def new_shared_checkpoint(
    width: int, labels_encoder: str, *, hidden_size: int | None, max_width: int, name: str
) -> Checkpoint:
    """A head with random weights on word vectors of a width, with a pretrained encoder of labels.

    labels_encoder: folder or hub id. name: what the settings record as that encoder.
    """
    tokenizer, settings = _pretrained(labels_encoder)
    config = GLiNERConfig(
        model_name=name,
        hidden_size=hidden_size or width,
        max_width=max_width,
        dropout=0.0,
        words_splitter_type="spacy",
        labels_encoder=name,
        labels_encoder_config=settings.to_diff_dict(),
        shared_width=width,
        text_window=TEXT_WINDOW,
    )
    network = build_network(config)
    label_encoder = network.label_encoder
    assert label_encoder is not None
    label_encoder.transformer = AutoModel.from_pretrained(labels_encoder, config=settings)
    return Checkpoint(config, network.eval(), SharedRowBuilder(tokenizer))


def _pretrained(encoder: str) -> tuple[PreTrainedTokenizerFast, PretrainedConfig]:
    """The tokenizer and the settings of a pretrained encoder."""
    tokenizer = AutoTokenizer.from_pretrained(encoder, add_prefix_space=True)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ValueError(Errors.G106.format(encoder=encoder))
    settings = AutoConfig.from_pretrained(encoder)
    # One dropout, on the encoder's output, is enough. In the attention it would also keep the
    # fast kernels from being used.
    for dropout in ENCODER_DROPOUTS & settings.to_dict().keys():
        setattr(settings, dropout, 0.0)
    return tokenizer, settings


@torch.no_grad()
def _start_markers(rows: torch.Tensor, tokenizer: PreTrainedTokenizerFast) -> None:
    """The markers, which come last, begin as copies of the mask and of the separator."""
    origins = (tokenizer.mask_token_id, tokenizer.sep_token_id)
    for row, origin in zip((-2, -1), origins, strict=True):
        if origin is not None:
            rows[row] = rows[origin]
