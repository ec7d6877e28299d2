"""A generative model with its tokenizer and settings, as a folder of the transformers library."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from sys import maxsize
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from ..errors import Errors
from ..folders import from_files, to_files
from ..precision import InferenceCopy, cast_copy, has_onednn, in_precision
from .bio import compact
from .config import GNERConfig
from .instruction import Instruction, instructions
from .target import TargetPieces

# Of models with an encoder, those whose decoder is T5's.
ENCODER_DECODERS = ("t5", "mt5")
MAX_SHARD_SIZE = "2GB"
# Of models whose pieces see only so many before them.
WINDOW = "sliding_window"


@dataclass(frozen=True, eq=False)
class GNERCheckpoint:
    """All that is needed to write tags. The network is in evaluation mode."""

    config: GNERConfig
    network: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    _copy: InferenceCopy = field(
        default_factory=lambda: InferenceCopy(_for_inference), init=False, repr=False
    )

    @property
    def is_encoder_decoder(self) -> bool:
        return bool(self.network.config.is_encoder_decoder)

    @cached_property
    def target(self) -> TargetPieces:
        return TargetPieces(self.tokenizer)

    @cached_property
    def instruction(self) -> Instruction:
        return Instruction(self.config.instruction)

    def running(self, precision: str) -> PreTrainedModel:
        """The network for inference: mostly a copy, made when it is needed, one at a time.

        On a CPU the copy shares all weights with the network but those of linear layers.
        Raises ValueError [G523] for "int8" where it cannot be computed.
        """
        return self._copy.get(self.network, precision)

    @property
    def longest_row(self) -> int:
        """How many pieces a model that has only a decoder reads, prompt and target together."""
        config = self.network.config
        limits = (getattr(config, name, None) for name in ("max_position_embeddings", WINDOW))
        return min((limit for limit in limits if limit), default=maxsize)

    def prompts(self, texts: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[list[int]]:
        """The pieces of the whole input, with those that the tokenizer puts around it.

        texts: pairs of words and labels.
        """
        if not texts:  # of which tokenizers make an error
            return []
        written = [self.instruction.write(compact(words), labels) for words, labels in texts]
        encoded = self.tokenizer(written, return_attention_mask=False)["input_ids"]
        if self.is_encoder_decoder:
            return encoded
        # The target goes on where the prompt ends.
        return [ids[:-1] if ids[-1] == self.target.eos else ids for ids in encoded]

    def spell(self, words: Sequence[str]) -> list[str]:
        """Words as the vocabulary can spell them: encoded and decoded (GNER, section 3.2)."""
        encoded = self.tokenizer(list(words), add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
        return [word.strip() for word in self.decode(encoded)]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        return self.tokenizer.batch_decode(
            ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )

    # Saving

    def to_disk(self, folder: str | Path, *, max_shard_size: str = MAX_SHARD_SIZE) -> None:
        """Write the folder; weights that two layers share are written once.

        max_shard_size: of a file of weights; larger ones could not be sent as bytes.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.network.save_pretrained(folder, max_shard_size=max_shard_size)
        self.tokenizer.save_pretrained(folder)
        self.config.to_disk(folder)

    @classmethod
    def from_disk(cls, folder: str | Path, *, instruction: str | None = None) -> "GNERCheckpoint":
        """Read a folder, and run no code from it; touches no network.

        instruction: the name of one in the registry; by default what the folder says, or else
            the one that published models of this kind were trained with.
        Raises ValueError if the folder is incomplete or damaged, or holds another kind of model.
        """
        network, tokenizer = _read(folder)
        config = GNERConfig.from_disk(Path(folder), instruction=_default(network.config))
        if instruction is not None:
            config = GNERConfig(_template(instruction), config.boundaries, config.context)
        return cls(config, network, tokenizer)

    def to_files(self) -> dict[str, bytes]:
        """The folder's files, by their paths in it."""
        return to_files(self.to_disk)

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> "GNERCheckpoint":
        return from_files(files, cls.from_disk)


def new_checkpoint(
    base: str | Path,
    *,
    instruction: str | None = None,
    boundaries: str = "bio",
    context: int | str = "full",
) -> GNERCheckpoint:
    """A pretrained model that is to learn to write tags.

    base: its folder. instruction: the name of one in the registry.
    Raises ValueError as `from_disk`, and for settings that cannot be.
    """
    network, tokenizer = _read(base)
    template = _default(network.config) if instruction is None else _template(instruction)
    return GNERCheckpoint(GNERConfig(template, boundaries, context), network, tokenizer)


def _read(folder: str | Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    config = _load(AutoConfig, folder)
    if config.is_encoder_decoder and config.model_type not in ENCODER_DECODERS:
        raise ValueError(Errors.G514.format(folder=folder, kind=config.model_type))
    tokenizer = _load(AutoTokenizer, folder)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ValueError(Errors.G522.format(folder=folder))
    if tokenizer.eos_token_id is None:
        raise ValueError(Errors.G518.format(folder=folder))
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    network, info = _load(kind, folder, torch_dtype="auto", output_loading_info=True)
    if info["missing_keys"]:
        missing = sorted(info["missing_keys"])
        raise ValueError(Errors.G513.format(folder=folder, missing=missing))
    # T5's sums are too large for float16.
    if network.dtype == torch.float16:
        network = network.float()
    return network.eval(), tokenizer


def _for_inference(network: PreTrainedModel, precision: str) -> PreTrainedModel:
    on_cpu = network.device.type == "cpu" and has_onednn()
    if precision == "int8" and not on_cpu:
        raise ValueError(Errors.G523.format(device=network.device))
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    if network.dtype != dtype and precision != "int8":
        network = cast_copy(network, dtype)
    return in_precision(network, precision) if on_cpu else network


def _load(kind: Any, folder: str | Path, **settings: Any) -> Any:
    """What a class of the transformers library reads from a folder, without network or code."""
    try:
        return kind.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, **settings
        )
    except Exception as error:  # Each damaged file fails in its own way; tokenizers with this one.
        raise ValueError(Errors.G512.format(folder=folder, error=error)) from error


def _default(config: PretrainedConfig) -> str:
    """The instruction of the published models of this kind."""
    return _template("GNER-T5" if config.is_encoder_decoder else "GNER-LLaMA")


def _template(name: str) -> str:
    if name not in instructions:
        known = sorted(instructions.get_all())
        raise ValueError(Errors.G515.format(name=name, known=known))
    return instructions.get(name).template
