"""The passages to train on, from those written for this project."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from spacy_gliner.corpus.passage import Passage
from spacy_gliner.corpus.report import Report
from spacy_gliner.corpus.tokens import regex_tokens
from spacy_gliner.corpus.written import read_written
from spacy_gliner.training.rows import slices

from ..inference.texts import WRITTEN, make_labels
from .task import Batch


def make_batches(count: int, passages: int, *, words: int, types: int) -> tuple[Batch, ...]:
    """So many batches of so many passages, all annotated for the same types: the most frequent.

    words: passages with more are cut.
    """
    source = _passages(words, tuple(make_labels(types)))
    return tuple(tuple(islice(source, passages)) for _ in range(count))


def count_words(batches: tuple[Batch, ...]) -> int:
    return sum(len(passage.words) for batch in batches for passage in batch)


def _passages(words: int, types: tuple[str, ...]) -> Iterator[Passage]:
    whole = read_written(WRITTEN, Report(), tokenizer=regex_tokens, source="written")
    for passage in whole:
        for part in slices(passage, words):
            lowered = ((start, end, type_.lower()) for start, end, type_ in part.spans)
            spans = tuple(span for span in lowered if span[2] in types)
            yield replace(part, spans=spans, absent=(), label_set=types)
