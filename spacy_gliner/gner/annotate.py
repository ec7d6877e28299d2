"""From sentences to entities, with either decoder."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Errors
from ..gliner.batches import batches
from ..gliner.decode import Candidates
from . import batch, free
from .align import recover_tags
from .bio import BIO, OUTSIDE, TagSet, compact, tags_to_spans, write_tag
from .checkpoint import GNERCheckpoint
from .config import FULL
from .forced import Search, Settings, Text
from .head import Head
from .rows import DECODERS, CausalRows, T5Rows
from .trie import TagTrie

DECODINGS = ("forced", "free")
PRECISIONS = ("float32", "bfloat16", "int8")

# First word, one after the last, position of the label, probability.
Span = tuple[int, int, int, float]


@dataclass(frozen=True)
class Decoding:
    """How tags are found.

    decoding: "forced", words are given and tags are chosen; "free", the model writes both.
    beam: hypotheses that are followed: over words, or in free decoding over word pieces.
    outside_bias: added to the logit of O: more than 0 for fewer entities, less for more. Forced.
    draft: how many words at most are read as O before their tags are known. The result is the
        same; it takes fewer calls of the decoder where entities are rare. Forced, with beam 1.
    precision: "float32", "bfloat16" or "int8", whatever the weights were saved in.
    max_batch_pieces: the padded size of a batch, prompts and targets, in word pieces.
    """

    decoding: str = "forced"
    beam: int = 1
    outside_bias: float = 0.0
    draft: int = 16
    precision: str = "float32"
    max_batch_pieces: int = 4096


@dataclass(frozen=True)
class Sentence:
    """Words that are read together. labels: as the model reads them, in the order of asking."""

    words: tuple[str, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Row:
    """A sentence in word pieces. chunks: those of each word, to where its tag is chosen."""

    sentence: Sentence
    prompt: Sequence[int]
    chunks: Sequence[Sequence[int]]


def piece_counts(checkpoint: GNERCheckpoint, words: Sequence[str]) -> np.ndarray:
    """How many word pieces each word takes in a target, with the tag O. *Shape:* (words,)"""
    tag = len(checkpoint.target.tag(OUTSIDE))
    return np.array([len(p) + tag for p in checkpoint.target.words(compact(words))], dtype=int)


def annotate(
    checkpoint: GNERCheckpoint, sentences: Sequence[Sentence], decoding: Decoding
) -> list[Candidates]:
    """The entities of each sentence, none of which overlap.

    Their scores are probabilities; free decoding has none, so that they are NaN.
    Raises ValueError: [G503] (free), [G516] (forced) for labels that cannot be told apart in a
    target; [G517], [G521] for forced decoding of a model that it does not suit; [G520] for a row
    that is longer than the model reads.
    """
    decode = _forced if decoding.decoding == "forced" else _free
    if decode is _forced:
        _check_forced(checkpoint)
    found = [Candidates.empty() for _ in sentences]
    asked = [i for i, sentence in enumerate(sentences) if sentence.words and sentence.labels]
    rows = _rows(checkpoint, [sentences[i] for i in asked])
    _check_sizes(checkpoint, rows)
    tag = len(checkpoint.target.tag(OUTSIDE))
    sizes = [len(r.prompt) + sum(len(chunk) + tag for chunk in r.chunks) for r in rows]
    for indices in batches([decoding.beam * size for size in sizes], decoding.max_batch_pieces):
        spans = decode(checkpoint, [rows[i] for i in indices], decoding)
        for i, own in zip(indices, spans, strict=True):
            found[asked[i]] = _candidates(own)
    return found


def _rows(checkpoint: GNERCheckpoint, sentences: Sequence[Sentence]) -> list[_Row]:
    words = [compact(sentence.words) for sentence in sentences]
    chunks = iter(checkpoint.target.words([word for own in words for word in own]))
    prompts = checkpoint.prompts([(own, s.labels) for own, s in zip(words, sentences, strict=True)])
    return [
        _Row(sentence, prompt, [next(chunks) for _ in sentence.words])
        for sentence, prompt in zip(sentences, prompts, strict=True)
    ]


def _check_forced(checkpoint: GNERCheckpoint) -> None:
    config, kind = checkpoint.config, checkpoint.network.config.model_type
    if (config.boundaries, config.context) != (BIO, FULL):
        raise ValueError(Errors.G517.format(boundaries=config.boundaries, context=config.context))
    if not checkpoint.is_encoder_decoder and kind not in DECODERS:
        raise ValueError(Errors.G521.format(kind=kind, known=", ".join(DECODERS)))


def _check_sizes(checkpoint: GNERCheckpoint, rows: Sequence[_Row]) -> None:
    """A model that has only a decoder reads prompt and target as one row."""
    if checkpoint.is_encoder_decoder:
        return
    size = max((len(row.prompt) + _longest(checkpoint, row) for row in rows), default=0)
    if size > checkpoint.longest_row:
        raise ValueError(Errors.G520.format(size=size, most=checkpoint.longest_row))


def _forced(
    checkpoint: GNERCheckpoint, rows: Sequence[_Row], decoding: Decoding
) -> list[list[Span]]:
    label_sets = dict.fromkeys(row.sentence.labels for row in rows)
    tries = {labels: TagTrie(labels, checkpoint.target) for labels in label_sets}
    head = Head(checkpoint.network, {piece for trie in tries.values() for piece in trie.ids})
    kind = T5Rows if checkpoint.is_encoder_decoder else CausalRows
    grown = kind(checkpoint.running(decoding.precision))
    begun = grown.begin([row.prompt for row in rows])
    settings = Settings(decoding.beam, decoding.outside_bias, decoding.draft)
    searches = [
        Search(Text(row.chunks, tries[row.sentence.labels], *start), settings, head.columns)
        for row, start in zip(rows, begun, strict=True)
    ]
    return [
        [(start, end, row.sentence.labels.index(label), p) for start, end, label, p in best.spans()]
        for row, best in zip(rows, batch.run(searches, grown, head), strict=True)
    ]


def _free(checkpoint: GNERCheckpoint, rows: Sequence[_Row], decoding: Decoding) -> list[list[Span]]:
    tag_sets = [
        TagSet(row.sentence.labels, boundaries=checkpoint.config.boundaries) for row in rows
    ]
    longest = [_longest(checkpoint, row) for row in rows]
    written = free.write(
        checkpoint.running(decoding.precision),
        [row.prompt for row in rows],
        eos=checkpoint.target.eos,
        longest=max(longest),
        beam=decoding.beam,
    )
    # What does not end is cut off as it would be alone.
    texts = checkpoint.decode([ids[:most] for ids, most in zip(written, longest, strict=True)])
    return [
        _spans(checkpoint, row, tags, text)
        for row, tags, text in zip(rows, tag_sets, texts, strict=True)
    ]


def _longest(checkpoint: GNERCheckpoint, row: _Row) -> int:
    """The pieces of the longest target that there can be."""
    boundaries = checkpoint.config.boundaries
    tags = (
        write_tag(f"{part}-{label}", boundaries=boundaries)
        for label in row.sentence.labels
        for part in "BI"
    )
    longest = max(len(checkpoint.target.tag(tag)) for tag in tags)
    return sum(map(len, row.chunks)) + len(row.chunks) * longest + 1


def _spans(checkpoint: GNERCheckpoint, row: _Row, tags: TagSet, text: str) -> list[Span]:
    found = recover_tags(text, row.sentence.words, tags, spell=checkpoint.spell)
    labels = row.sentence.labels
    return [
        (start, end, labels.index(label), float("nan"))
        for start, end, label in tags_to_spans(found.tags)
    ]


def _candidates(spans: Sequence[Span]) -> Candidates:
    start, end, type_, score = zip(*spans, strict=True) if spans else ((), (), (), ())
    return Candidates(
        np.array(start, dtype=np.int32),
        np.array(end, dtype=np.int32),
        np.array(type_, dtype=np.int32),
        np.array(score, dtype=np.float32),
    )
