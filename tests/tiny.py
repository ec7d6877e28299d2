"""A tiny encoder with random weights, and texts that a tiny model learns by heart."""

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
from spacy_gliner.training.schedules import make_warmup_cosine

MAX_WIDTH = 4
LABELS = ["person", "city", "university"]
# Small rows, so that the sentences are learned as they will be read: one at a time.
TRAINING = {"precision": "float32", "head_rate": 4.0, "type_dropout": 0.0, "row_words": 16}

# Phrases with their types; the universities hold cities.
MENTIONS = {
    "Berta Lund": "person",
    "Tomas Vik": "person",
    "Oslo": "city",
    "Bergen": "city",
    "University of Oslo": "university",
    "University of Bergen": "university",
}
FILLER = [
    "the",
    "old",
    "boat",
    "went",
    "north",
    "past",
    "a",
    "long",
    "river",
    "and",
    "nobody",
    "had",
    "read",
    "that",
    "cold",
    "letter",
    "☂",
    ".",
]
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


def write_encoder(folder: Path) -> Path:
    """A BERT of two layers, 48 wide, with a tokenizer for the words above and single letters."""
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
    encoder = BertModel(
        BertConfig(
            vocab_size=len(vocabulary),
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=96,
            max_position_embeddings=512,
            initializer_range=0.2,
        )
    )
    look_ahead(encoder)
    encoder.save_pretrained(folder)
    return folder


@torch.no_grad()
def look_ahead(encoder: BertModel) -> None:
    """Make one head attend to the next piece, as a pretrained encoder's would.

    Without it the pieces `<<ENT>>` of several types are alike, and it takes long to learn more.
    Half of each embedding is the word, the other half waves: a matrix moves them by one position.
    """
    embeddings, attention = encoder.embeddings, encoder.encoder.layer[0].attention.self
    half = encoder.config.hidden_size // 2
    positions = torch.arange(encoder.config.max_position_embeddings + 1)[:, None]
    angles = positions * torch.logspace(0, -1.5, half // 4)
    waves = 0.1 * torch.cat([angles.cos(), angles.sin(), -angles.cos(), -angles.sin()], dim=1)
    words = embeddings.word_embeddings.weight[:, :half]
    words -= words.mean(dim=1, keepdim=True)
    embeddings.word_embeddings.weight[:, half:] = 0
    embeddings.token_type_embeddings.weight[:] = 0
    embeddings.position_embeddings.weight[:, :half] = 0
    embeddings.position_embeddings.weight[:, half:] = waves[:-1]
    step = torch.linalg.lstsq(waves[:-1], waves[1:], driver="gelsd").solution.T
    attention.query.weight[:half] = torch.cat([torch.zeros(half, half), 20 * step], dim=1)
    attention.key.weight[:half] = torch.eye(2 * half)[half:]


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


def marked(text: str) -> Passage:
    """A passage with every mention in the text."""
    return passage(text, *MENTIONS.items())


def drill(rng: Random) -> str:
    """A sentence without sense, with up to three phrases in it."""
    parts = rng.choices(FILLER, k=rng.randint(3, 12))
    parts += rng.sample(list(MENTIONS), k=rng.randint(0, 3))
    rng.shuffle(parts)
    return " ".join(parts)


def learn(nlp: Language, *, steps: int) -> list[float]:
    """Train a pipeline until it knows the sentences by heart; returns the losses."""
    rng = Random(0)
    rates = make_warmup_cosine(1e-3, warmup_steps=20, total_steps=steps * 4 // 3)
    optimizer = Adam(rates, beta2=0.99, L2=0.01, grad_clip=1.0, use_averages=False)
    losses = []
    for _ in range(steps):
        texts = [*SENTENCES, *(drill(rng) for _ in range(10))]
        examples: list[Example] = [to_example(to_doc(marked(text), nlp.vocab)) for text in texts]
        losses.append(nlp.update(examples, sgd=optimizer)["gliner"])
        optimizer.step_schedules()
    return losses
