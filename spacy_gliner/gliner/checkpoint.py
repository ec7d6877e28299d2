"""A network with its tokenizer and settings, as a folder in the published checkpoint format."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from ..errors import Errors
from .config import GLiNERConfig
from .encoder import PromptEncoder, WordLSTM
from .network import GLiNERNetwork
from .prompt import ENT_TOKEN, PIECES_MULTIPLE, SEP_TOKEN, PromptBuilder
from .scorers import mlp, span_scorers

WEIGHTS_FILE = "model.safetensors"

ENCODER_DROPOUTS = {
    "attention_dropout",
    "attention_probs_dropout_prob",
    "dropout",
    "hidden_dropout_prob",
}

# Our module names, and those of published checkpoints.
PUBLISHED_NAMES = {
    "encoder.transformer.": "token_rep_layer.bert_layer.model.",
    "encoder.projection.": "token_rep_layer.projection.",
    "words.left_to_right.": "rnn.lstm.",
    "words.right_to_left.": "rnn.lstm.",
    "scorer.": "span_rep_layer.span_rep_layer.",
    "types.": "prompt_rep_layer.",
}


@dataclass(frozen=True)
class Checkpoint:
    """All that is needed to score spans."""

    config: GLiNERConfig
    network: GLiNERNetwork
    prompts: PromptBuilder

    def to_disk(self, folder: str | Path, *, dtype: torch.dtype = torch.float32) -> None:
        """Write the folder: settings, tokenizer, and weights in the given precision."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.config.to_disk(folder)
        self.prompts.tokenizer.save_pretrained(folder, legacy_format=False)
        state = {
            published_name(name): tensor.detach().to("cpu", dtype).contiguous()
            for name, tensor in self.network.state_dict().items()
        }
        save_file(state, folder / WEIGHTS_FILE)

    @classmethod
    def from_disk(cls, folder: str | Path) -> "Checkpoint":
        """Read a folder; touches no network. Raises ValueError if it is incomplete or damaged."""
        folder = Path(folder)
        config = GLiNERConfig.from_disk(folder)
        weights = folder / WEIGHTS_FILE
        if not weights.is_file():
            raise ValueError(Errors.G101.format(folder=folder, file=WEIGHTS_FILE))
        network = build_network(config)
        try:
            state = load_file(weights)
        except SafetensorError as error:
            raise ValueError(Errors.G103.format(path=weights, error=error)) from error
        load_state(network, state, path=weights)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        return cls(config, network.eval(), PromptBuilder(tokenizer))

    def to_files(self) -> dict[str, bytes]:
        """The folder's files, by name."""
        with TemporaryDirectory() as folder:
            self.to_disk(folder)
            return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "Checkpoint":
        with TemporaryDirectory() as folder:
            for name, content in files.items():
                (Path(folder) / Path(name).name).write_bytes(content)
            return cls.from_disk(folder)


def build_network(config: GLiNERConfig) -> GLiNERNetwork:
    """A network with random weights."""
    if config.span_mode not in span_scorers:
        known = sorted(span_scorers.get_all())
        raise ValueError(Errors.G104.format(span_mode=config.span_mode, known=known))
    stored = dict(config.encoder_config)
    transformer = AutoModel.from_config(AutoConfig.for_model(stored.pop("model_type"), **stored))
    hidden = config.hidden_size
    return GLiNERNetwork(
        encoder=PromptEncoder(transformer, hidden, config.dropout),
        words=WordLSTM(hidden),
        types=mlp(hidden, hidden, 0.0),
        scorer=span_scorers.get(config.span_mode)(hidden, config.max_width, 0.0),
    )


def load_state(network: nn.Module, state: Mapping[str, Tensor], *, path: Path) -> None:
    """Load weights by their published names. Raises ValueError naming those that do not fit."""
    expected = {published_name(name): tensor for name, tensor in network.state_dict().items()}
    wrong = [
        f"{name}: {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected.keys() & state.keys()
        if state[name].shape != expected[name].shape
    ]
    missing, unexpected = expected.keys() - state.keys(), state.keys() - expected.keys()
    if wrong or missing or unexpected:
        raise ValueError(
            Errors.G105.format(
                path=path, missing=sorted(missing), unexpected=sorted(unexpected), wrong=wrong
            )
        )
    with torch.no_grad():
        for name, tensor in expected.items():
            tensor.copy_(state[name])


def published_name(name: str) -> str:
    """The name of a weight in published checkpoints."""
    suffix = "_reverse" if name.startswith("words.right_to_left.") else ""
    for ours, published in PUBLISHED_NAMES.items():
        if name.startswith(ours):
            return published + name.removeprefix(ours) + suffix
    return name


def new_checkpoint(
    encoder: str, *, hidden_size: int | None, max_width: int, name: str | None = None
) -> Checkpoint:
    """A pretrained encoder (folder or hub id) under a head with random weights.

    name: what the settings record as the encoder, if that is not where it lies on this machine.
    """
    tokenizer = AutoTokenizer.from_pretrained(encoder, add_prefix_space=True)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ValueError(Errors.G106.format(encoder=encoder))
    settings = AutoConfig.from_pretrained(encoder)
    # One dropout, on the encoder's output, is enough. In the attention it would also keep the
    # fast kernels from being used.
    for dropout in ENCODER_DROPOUTS & settings.to_dict().keys():
        setattr(settings, dropout, 0.0)
    transformer = AutoModel.from_pretrained(encoder, config=settings)
    _add_special_tokens(tokenizer, transformer)
    config = GLiNERConfig(
        model_name=name or encoder,
        encoder_config=transformer.config.to_diff_dict(),
        hidden_size=hidden_size or transformer.config.hidden_size,
        max_width=max_width,
        class_token_index=tokenizer.convert_tokens_to_ids(ENT_TOKEN),
        vocab_size=len(tokenizer),
        max_len=_longest_row(tokenizer, transformer),
    )
    network = build_network(config)
    network.encoder.transformer = transformer
    network.words.start_near_identity()
    return Checkpoint(config, network.eval(), PromptBuilder(tokenizer))


@torch.no_grad()
def _add_special_tokens(tokenizer: PreTrainedTokenizerFast, transformer: PreTrainedModel) -> None:
    """Add `<<ENT>>` and `<<SEP>>`, beginning as copies of the mask and of the separator."""
    tokenizer.add_tokens([ENT_TOKEN, SEP_TOKEN], special_tokens=True)
    transformer.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    rows = transformer.get_input_embeddings().weight
    origins = (tokenizer.mask_token_id, tokenizer.sep_token_id)
    for row, origin in zip((-2, -1), origins, strict=True):
        if origin is not None:
            rows[row] = rows[origin]


def _longest_row(tokenizer: PreTrainedTokenizerFast, transformer: PreTrainedModel) -> int:
    """Pieces that the encoder can read, 512 where it states no limit, in a row with padding."""
    positions = getattr(transformer.config, "max_position_embeddings", None)
    limits = (tokenizer.model_max_length, positions, 512)
    longest = min(limit for limit in limits if limit and limit > 0)
    return longest - longest % PIECES_MULTIPLE
