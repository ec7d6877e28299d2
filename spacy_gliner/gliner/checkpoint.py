"""A network with its tokenizer and settings, as a folder in the published checkpoint format."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from ..folders import from_files, to_files
from .bi_encoder import BiRowBuilder
from .build import build_network
from .config import GLiNERConfig
from .labels import VECTORS_FILE
from .network import GLiNERNetwork
from .pieces import LABEL_TOKENIZER_FOLDER, round_down
from .prompt import PromptBuilder, RowBuilder
from .shared import SharedEncoder, SharedRowBuilder
from .tokenizer import add_markers, load_encoder_config, load_tokenizer
from .weights import LSTM, WEIGHTS_FILE, load_state, published_state, read_weights


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to score spans."""

    config: GLiNERConfig
    network: GLiNERNetwork
    prompts: RowBuilder | SharedRowBuilder

    @cached_property
    def longest_row(self) -> int:
        """The most word pieces of a row, prompt and padding included.

        What the encoder can read; at most two pieces for each word of the longest text that it was
        trained with.
        """
        limits = (*self.prompts.limits, *self.network.encoder.limits)
        return round_down(min((2 * self.config.max_len, *limits)))

    def to_disk(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the folder: settings, tokenizer, and weights in the given precision.

        A bi-encoder's kept vectors of labels are written too, in full precision only: they would
        not be those of rounded weights.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.config.to_disk(folder)
        self.prompts.to_disk(folder)
        save_file(_once(published_state(self.network), dtype), folder / WEIGHTS_FILE)
        if dtype == torch.float32 and (labels := self.network.label_encoder) is not None:
            labels.cache_to_disk(folder / VECTORS_FILE)

    @classmethod
    def from_disk(cls, folder: str | Path) -> "Checkpoint":
        """Read a folder, and run no code from it.

        Touches no network, unless the encoder's settings or the tokenizer are not there: then those
        of `model_name` are read, from the cache of the hub if they are in it.
        Raises ValueError if the folder is incomplete or damaged.
        """
        folder = Path(folder)
        config = GLiNERConfig.from_disk(folder)
        state, path = read_weights(folder)
        config = _completed(config, state, folder)
        network = build_network(config)
        rows = _match_vocabulary(network, state)
        load_state(network, state, path=path)
        if network.label_encoder is not None:
            network.label_encoder.cache_from_disk(folder / VECTORS_FILE)
        prompts = _row_builder(config, rows, folder)
        config = replace(config, vocab_size=rows, class_token_index=prompts.marker)
        return cls(config, network.eval(), prompts)

    def to_files(self) -> dict[str, bytes]:
        """The folder's files, by their paths in it."""
        return to_files(self.to_disk)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Checkpoint":
        return from_files(files, cls.from_disk)


def _completed(config: GLiNERConfig, state: Mapping[str, Tensor], folder: Path) -> GLiNERConfig:
    """The settings, with what only the encoder's own folder or the weights can tell."""
    has_lstm = any(name.startswith(LSTM) for name in state)
    encoder, labels = config.encoder_config, config.labels_encoder_config
    if config.shared_width is None:
        encoder = load_encoder_config(encoder, folder=folder, source=config.model_name)
    if config.labels_encoder is not None:
        labels = load_encoder_config(labels, folder=folder, source=config.labels_encoder)
    return replace(
        config,
        encoder_config=encoder,
        labels_encoder_config=labels,
        num_rnn_layers=int(has_lstm),
    )


def _match_vocabulary(network: GLiNERNetwork, state: Mapping[str, Tensor]) -> int:
    """Give the encoder as many word pieces as there are vectors, and return their number.

    -1 for a model that has no encoder of the text.
    """
    if isinstance(network.encoder, SharedEncoder):
        return -1
    transformer = network.encoder.transformer
    vectors = transformer.get_input_embeddings().weight
    by_name = published_state(network)
    names = [name for name, tensor in by_name.items() if tensor.data_ptr() == vectors.data_ptr()]
    rows = next((len(state[name]) for name in names if name in state), len(vectors))
    if rows != len(vectors):
        transformer.resize_token_embeddings(rows, mean_resizing=False)
    return rows


def _row_builder(config: GLiNERConfig, rows: int, folder: Path) -> RowBuilder | SharedRowBuilder:
    labels = folder / LABEL_TOKENIZER_FOLDER
    if config.shared_width is not None:
        return SharedRowBuilder(load_tokenizer(labels, config.labels_encoder or ""))
    tokenizer = load_tokenizer(folder, config.model_name)
    if config.labels_encoder is not None:
        return BiRowBuilder(tokenizer, config, load_tokenizer(labels, config.labels_encoder))
    add_markers(tokenizer, config, rows=rows, folder=folder)
    return PromptBuilder(tokenizer, config)


def _once(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """The weights to save, each tied one under its first name."""
    first = {tensor.data_ptr(): name for name, tensor in reversed([*state.items()])}
    return {
        name: tensor.detach().to("cpu", dtype).contiguous()
        for name, tensor in state.items()
        if first[tensor.data_ptr()] == name
    }
