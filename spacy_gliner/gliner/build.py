"""Networks with random weights, by their settings."""

from typing import Any

from torch import nn
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel, T5EncoderModel

from ..errors import Errors
from .bi_encoder import BiEncoder
from .config import GLiNERConfig
from .encoder import PromptEncoder, WordLSTM
from .labels import LabelEncoder
from .network import GLiNERNetwork
from .packed import is_disentangled
from .scorers import TokenScorer, mlp, span_scorers
from .shared import SharedEncoder


def build_network(config: GLiNERConfig) -> GLiNERNetwork:
    """A network with random weights. `encoder_config` must be there.

    Raises ValueError for an unknown scorer or an unknown kind of encoder.
    """
    hidden = config.hidden_size
    has_lstm = config.num_rnn_layers > 0 and not config.is_bi_encoder
    return GLiNERNetwork(
        encoder=_encoder(config),
        words=WordLSTM(hidden) if has_lstm else None,
        types=nn.Identity() if config.is_token_level else mlp(hidden, hidden, 0.0),
        scorer=_scorer(config),
        scores_words=config.is_token_level,
    )


def _encoder(config: GLiNERConfig) -> PromptEncoder | SharedEncoder:
    settings: dict[str, Any] = {
        "dropout": config.dropout,
        "pooling": config.subtoken_pooling,
        "fuse_layers": config.fuse_layers,
    }
    if not config.is_bi_encoder:
        transformer = _transformer(config.encoder_config or {})
        return PromptEncoder(transformer, config.hidden_size, **settings)
    labels = LabelEncoder(
        _transformer(config.labels_encoder_config or {}),
        config.hidden_size,
        fuse_layers=config.fuse_layers,
    )
    if config.shared_width is not None:
        width, hidden = config.shared_width, config.hidden_size
        return SharedEncoder(width, hidden, labels=labels, dropout=config.dropout)
    transformer = _transformer(config.encoder_config or {})
    return BiEncoder(transformer, config.hidden_size, labels=labels, **settings)


def _scorer(config: GLiNERConfig) -> nn.Module:
    if config.is_token_level:
        return TokenScorer(config.hidden_size, 0.0)
    if config.span_mode not in span_scorers:
        known = sorted(span_scorers.get_all())
        raise ValueError(Errors.G104.format(span_mode=config.span_mode, known=known))
    return span_scorers.get(config.span_mode)(config.hidden_size, config.max_width, 0.0)


def _transformer(stored: dict[str, Any]) -> PreTrainedModel:
    settings = dict(stored)
    kind = settings.pop("model_type", None)
    try:
        config: PretrainedConfig = AutoConfig.for_model(kind, **settings)
    except ValueError as error:
        raise ValueError(Errors.G116.format(kind=kind)) from error
    # Of the family that writes text, the half that reads it.
    if kind in ("t5", "mt5"):
        return T5EncoderModel(config)
    return with_fast_attention(AutoModel.from_config(config))


def with_fast_attention(transformer: PreTrainedModel) -> PreTrainedModel:
    """The same transformer; if it is a DeBERTa, with attention that learns faster."""
    if not is_disentangled(transformer.config):
        return transformer
    from .disentangled import with_near_distances

    return with_near_distances(transformer)
