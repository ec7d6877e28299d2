"""A tiny encoder with random weights, and texts that a tiny model learns by heart."""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from string import ascii_lowercase, digits

import torch
from spacy.language import Language
from spacy.training import Example
from thinc.api import Adam
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from spacy_gliner.corpus.passage import Passage, to_doc
from spacy_gliner.training.readers import to_example

MAX_WIDTH = 4
LABELS = ["person", "city", "university", "writer"]
FLAT_LABELS = LABELS[:3]

# Phrases, with the types of each. "University of Oslo" holds a city; "Berta Lund" has two types.
MENTIONS = {
    "Berta Lund": ("person", "writer"),
    "Tomas Vik": ("person",),
    "Oslo": ("city",),
    "Bergen": ("city",),
    "University of Oslo": ("university",),
    "University of Bergen": ("university",),
}
FILLER = "the old boat went north past a long river and nobody had read that cold letter ☂ .".split()
SENTENCES = (
    "Berta Lund moved to Oslo in May .",
    "In Oslo the rain never stops .",
    "Old Tomas Vik teaches at the University of Bergen .",
    "From Bergen the boat goes north , past the long river .",
    "Nobody had read the letter , and the cold tea stood there .",
    "Berta Lund wrote to Tomas Vik about the University of Oslo .",
)
SPECIAL = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def write_encoder(folder: Path, **config) -> Path:
    """A BERT of two layers, 32 wide, with a tokenizer for the words above and single letters."""
    text = " ".join((*SENTENCES, *FILLER, *MENTIONS, *LABELS)).lower()
    words = sorted({word for word in text.split() if word.isalpha() and len(word) > 1})
    letters = ascii_lowercase + digits + ".,:;!?'\"()-"
    vocabulary = [*SPECIAL.values(), *letters, *("##" + letter for letter in letters), *words]
    tokenizer = Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(vocabulary)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **SPECIAL)
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    settings = {
        "vocab_size": len(vocabulary),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": 512,
    }
    BertModel(BertConfig(**settings | config)).save_pretrained(folder)
    return folder


def passage(text: str, *mentions: tuple[str, str], **known) -> Passage:
    """A passage whose spans are each occurrence of the given phrases, with a type."""
    words = text.split()
    spans = [
        (start, start + len(phrase.split()), type_)
        for phrase, type_ in mentions
        for start in range(len(words))
        if words[start : start + len(phrase.split())] == phrase.split()
    ]
    return Passage(tuple(words), (True,) * len(words), tuple(spans), **known)


def marked(text: str, labels: Iterable[str] = LABELS) -> Passage:
    """A passage with every mention in the text."""
    mentions = [(phrase, t) for phrase, types in MENTIONS.items() for t in types if t in labels]
    return passage(text, *mentions)


def drill(rng: Random) -> str:
    """A sentence without sense, with up to three phrases in it."""
    parts = rng.choices(FILLER, k=rng.randint(3, 12)) + rng.sample(list(MENTIONS), k=rng.randint(0, 3))
    rng.shuffle(parts)
    return " ".join(parts)


def learn(nlp: Language, *, steps: int) -> list[float]:
    """Train a pipeline until it knows the sentences by heart; returns the losses."""
    rng = Random(0)
    optimizer = Adam(LEARN_RATE, L2=0.01, grad_clip=1.0, use_averages=False)
    losses = []
    for _ in range(steps):
        texts = [*SENTENCES, *(drill(rng) for _ in range(8))]
        examples: list[Example] = [to_example(to_doc(marked(text), nlp.vocab)) for text in texts]
        losses.append(nlp.update(examples, sgd=optimizer)["gliner"])
    return losses
