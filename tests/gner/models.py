"""Tiny generative models with random weights, and tokenizers for the sentences of `tiny`."""

from collections.abc import Sequence
from pathlib import Path
from string import ascii_letters, digits

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)

from spacy_gliner.gner.instruction import instructions

from .. import tiny

TEXTS = (*tiny.SENTENCES, " ".join((*tiny.FILLER, *tiny.LABELS)))
MARKS = ".,:;!?'\"()-_/\u2602[]"


def _words(texts: Sequence[str]) -> list[str]:
    words = {word for text in texts for word in text.split() if word.isalpha() and len(word) > 1}
    return sorted(words - {"B", "I", "O"})


def t5_tokenizer(texts: Sequence[str] = TEXTS) -> PreTrainedTokenizerFast:
    """As T5's: whole words and letters; no line break, no brace, no `<`."""
    template = instructions.get("GNER-T5").template
    words = _words([*texts, template])
    letters = ascii_letters + digits + MARKS
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", -20.0), ("\u2581", -3.0)]
    pieces += [(letter, -9.0) for letter in letters]
    pieces += [(start + word, -5.0) for word in words for start in ("\u2581", "")]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=2))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        model_max_length=512,
    )


def llama_tokenizer(texts: Sequence[str] = TEXTS) -> PreTrainedTokenizerFast:
    """As LLaMA's: pairs of bytes, merged; any text can be spelled."""
    template = instructions.get("GNER-LLaMA").template
    tokenizer = Tokenizer(models.BPE(unk_token=None))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<s>", "</s>"],
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, template] * 2, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 0)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", model_max_length=2048
    )


def write_t5(
    folder: Path, *, texts: Sequence[str] = TEXTS, width: int = 32, layers: int = 2, **settings
) -> Path:
    """A T5 with random weights, large enough for its tags to be sure of themselves."""
    tokenizer = t5_tokenizer(texts)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=width,
        d_kv=width // 2,
        num_heads=2,
        d_ff=2 * width,
        num_layers=layers,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
        **{"dropout_rate": 0.0, **settings},
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return folder


def write_llama(
    folder: Path, *, texts: Sequence[str] = TEXTS, width: int = 32, layers: int = 2, **settings
) -> Path:
    """A decoder-only model with random weights."""
    tokenizer = llama_tokenizer(texts)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=2048,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=None,
        **{"initializer_range": 0.3, **settings},
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder
