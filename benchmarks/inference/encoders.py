"""The checkpoint folders that all contenders read."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import AutoModel, DebertaV2Config, PreTrainedModel, PreTrainedTokenizerFast

from spacy_gliner.architectures import DEFAULT_FOLDER
from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.config import CONFIG_FILE
from spacy_gliner.gliner.new import new_checkpoint
from spacy_gliner.pipeline.words import WORD_PATTERN

from .texts import make_labels, make_texts

ONNX_FILE = "onnx/model.onnx"
SPECIAL = {
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "unk_token": "[UNK]",
    "mask_token": "[MASK]",
}
LEARNED, VOCABULARY = 24_000, 128_000
# From here on Unicode has characters that no text holds: they fill the vocabulary.
PRIVATE_USE = 0xF0000
# Logits with this deviation, of which this part is positive, find about one span in ten words.
DEVIATION, POSITIVE = 2.0, 0.003
# How much more a neighbour is attended to than others, about, if not for the softmax.
ATTENTION = 6.0


def write_checkpoint(encoder: str, folder: Path) -> Path:
    """The folder of a checkpoint around one of `ENCODERS`; one that is there already is kept."""
    own = folder.resolve() / encoder
    if not (own / CONFIG_FILE).is_file():
        checkpoint = ENCODERS[encoder]()
        # gliner-spacy takes the tokenizer from the encoder that training began with.
        config = replace(checkpoint.config, model_name=str(own))
        replace(checkpoint, config=config).to_disk(own)
    return own


def write_onnx(folder: Path) -> None:
    """The reference library's own graph of the checkpoint, where its users and Rust look for it."""
    if (folder / ONNX_FILE).is_file():
        return
    from gliner import GLiNER

    model = GLiNER.from_pretrained(str(folder), local_files_only=True)
    model.export_to_onnx(folder / Path(ONNX_FILE).parent)


def fits_a_row(checkpoint: Checkpoint, texts: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether everybody puts each text whole behind all labels, so that all must find the same.

    Where a row is too long for the encoder, the reference cuts the text, and we read it in windows.
    Where labels would fill more than half of the row, we ask for them in several.
    """
    builder: Any = checkpoint.prompts
    (types,) = builder.types([labels])
    words = [WORD_PATTERN.findall(text) for text in texts]
    longest = max(builder.size(types, pieces) for pieces in builder.units(words))
    return (
        builder.head_size(types) <= checkpoint.longest_row // 2
        and longest <= checkpoint.longest_row
        and max(map(len, words)) <= checkpoint.config.max_len
    )


def minilm() -> Checkpoint:
    """The model in the package: MiniLM-L6, 384 wide."""
    return Checkpoint.from_disk(DEFAULT_FOLDER)


def deberta() -> Checkpoint:
    """Random weights in the shape of gliner_small-v2.1: DeBERTa-v3-small, and a head 512 wide."""
    tokenizer = make_tokenizer()
    torch.manual_seed(0)
    config = DebertaV2Config(
        vocab_size=len(tokenizer),
        hidden_size=768,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=512,
        type_vocab_size=0,
        relative_attention=True,
        position_buckets=256,
        pos_att_type=["p2c", "c2p"],
        share_att_key=True,
        norm_rel_ebd="layer_norm",
        position_biased_input=False,
    )
    encoder = AutoModel.from_config(config).eval()
    look_ahead(encoder)
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        encoder.save_pretrained(folder)
        checkpoint = new_checkpoint(folder, hidden_size=512, max_width=12)
    # A row has room for 400 words behind 200 labels, so that nobody has to cut.
    checkpoint = replace(checkpoint, config=replace(checkpoint.config, max_len=1024))
    find_something(checkpoint)
    return checkpoint


ENCODERS: dict[str, Callable[[], Checkpoint]] = {"minilm": minilm, "deberta": deberta}


def make_tokenizer() -> PreTrainedTokenizerFast:
    """One of DeBERTa-v3's kind and size, its pieces learned from the written passages."""
    special = list(SPECIAL.values())
    learner = Tokenizer(models.Unigram())
    learner.pre_tokenizer = pre_tokenizers.Metaspace()
    learner.train_from_iterator(
        make_texts(4000, 60),
        trainers.UnigramTrainer(
            vocab_size=LEARNED, special_tokens=special, unk_token="[UNK]", show_progress=False
        ),
    )
    pieces = [*map(tuple, json.loads(learner.to_str())["model"]["vocab"])]
    lowest = min(score for _, score in pieces)
    unused = [(chr(PRIVATE_USE + i), lowest) for i in range(VOCABULARY - len(pieces))]
    tokenizer = Tokenizer(models.Unigram([*pieces, *unused], unk_id=special.index("[UNK]")))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(token, special.index(token)) for token in ("[CLS]", "[SEP]")],
    )
    settings: dict[str, Any] = {"model_max_length": 100_000, **SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **settings)


@torch.no_grad()
def look_ahead(encoder: PreTrainedModel) -> None:
    """Let every piece attend to its neighbour in the first layer, as a trained encoder would.

    Else the pieces `<<ENT>>` before the labels are alike but for rounding errors.
    """
    attention = encoder.encoder.layer[0].attention.self
    distances = encoder.encoder.get_rel_embedding()
    neighbour = distances[len(distances) // 2 - 1]
    attention.query_proj.bias.copy_(ATTENTION * attention.key_proj(neighbour))


@torch.no_grad()
def find_something(checkpoint: Checkpoint) -> None:
    """Centre and scale the logits of random heads, and shift them so that few are positive.

    The logit is the product of a span's vector and a type's: their first number becomes the shift.
    """
    network: Any = checkpoint.network
    builder: Any = checkpoint.prompts
    words = builder.units([WORD_PATTERN.findall(text) for text in make_texts(8, 60)])
    (labels,) = builder.types([make_labels(25)])
    prompts = builder.batch([(labels, text) for text in words])
    types, vectors = network.encoder(prompts)
    vectors = network.words(vectors, prompts.word_counts)
    last_of_spans, last_of_types = network.scorer.out_project[-1], network.types[-1]
    # Scored by the identity, a span gives its own vector.
    identity = torch.eye(types.size(-1)).expand(len(types), -1, -1)
    spans = network.scorer(vectors, identity)[:, :48].flatten(0, 2)
    types = network.types(types)[0, : len(labels)]
    spans_mean, types_mean = spans.mean(dim=0), types.mean(dim=0)
    logits = ((spans - spans_mean) @ (types - types_mean).T).flatten()
    scale = DEVIATION / logits.std()
    last_of_spans.bias.sub_(spans_mean)
    last_of_types.bias.sub_(types_mean).mul_(scale)
    last_of_types.weight.mul_(scale)
    shift = scale * logits.sort().values[int((1 - POSITIVE) * len(logits))]
    for layer, constant in ((last_of_spans, 1.0), (last_of_types, -shift)):
        layer.weight[0] = 0.0
        layer.bias[0] = constant
