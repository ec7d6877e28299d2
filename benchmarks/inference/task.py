"""What a contender is given, and what it gives back."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import get_words_and_spaces

from spacy_gliner.pipeline.words import WORD_PATTERN

from .agreement import Spans

# What fast-gliner has; there it cannot be set.
THRESHOLD = 0.5


@dataclass(frozen=True)
class Job:
    """folder: the checkpoint. threads: of torch and of ONNX Runtime.

    batch_size: how many texts a peer reads at once; ours forms batches of its own.
    whole: ours reads a text in one row where the encoder can, as the peers do.
    """

    folder: Path
    threads: int
    batch_size: int
    whole: bool


@dataclass(frozen=True)
class Task:
    """run: what is timed. spans: what it found, made of what it returned."""

    run: Callable[[], Any]
    spans: Callable[[Any], list[Spans]]


# From texts and labels to what is to be timed.
Prepare = Callable[[Sequence[str], Sequence[str]], Task]


def words_pipeline() -> Language:
    """Its tokens are the words of the reference, so that no span is moved to others."""
    nlp = spacy.blank("en")
    nlp.tokenizer = lambda text: Doc(
        nlp.vocab, *get_words_and_spaces(WORD_PATTERN.findall(text), text)
    )
    return nlp


def of_docs(docs: Iterable[Doc], *, score: Callable[[Span], float]) -> list[Spans]:
    return [
        {(ent.start_char, ent.end_char, ent.label_): score(ent) for ent in doc.ents} for doc in docs
    ]
