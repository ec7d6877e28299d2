"""The way from words and labels to entities: windows, a generative model, one set of spans.

Pure functions; what counts pieces and what annotates is handed in.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..gliner.decode import Candidates, decode
from ..gner.annotate import Sentence
from .inference import Request
from .windows import Window, windows

Count = Callable[[Sequence[str]], np.ndarray]
Annotate = Callable[[Sequence[Sentence]], Sequence[Candidates]]


@dataclass(frozen=True)
class Limits:
    """window: the most decoder pieces of a sentence in which all tags are O.
    overlap: words that neighbouring windows share.
    """

    window: int
    overlap: int


@dataclass(frozen=True, eq=False)
class _Row:
    """One window of one document."""

    request: int
    window: Window
    sentence: Sentence


def find_entities(
    requests: Sequence[Request], limits: Limits, *, count: Count, annotate: Annotate
) -> list[Candidates]:
    """The entities of each document, in its words; none overlap. All windows are annotated at once.

    count: the decoder pieces of each word. *Shape:* (words,)
    annotate: the entities of each sentence, in its words; types are positions in its labels.
    """
    rows = list(_rows(requests, limits, count))
    found = annotate([row.sentence for row in rows]) if rows else []
    by_request: list[list[tuple[Window, Candidates]]] = [[] for _ in requests]
    for row, entities in zip(rows, found, strict=True):
        by_request[row.request].append((row.window, entities))
    return [join_windows(parts) for parts in by_request]


def join_windows(parts: Sequence[tuple[Window, Candidates]]) -> Candidates:
    """The entities of a document from those of its windows, in the windows' words.

    An entity at the end of its window may be cut off there. It is left to a window that sees what
    stands on both sides of it, if there is one; the others stay, the best score first where they
    overlap. So an entity which lies whole in some window, with a word on either side, is found
    whole, and no part of one is lost.
    """
    first = np.array([window.first_word for window, _ in parts])
    last = np.array([window.last_word for window, _ in parts])
    own = np.repeat(np.arange(len(parts)), [len(entities) for _, entities in parts])
    found = Candidates.concatenate(
        entities.shift(words=window.first_word) for window, entities in parts
    )
    # At the text's own ends nothing can be cut off, but there no other window sees more either.
    whole = (first[:, None] < found.start) & (found.end < last[:, None])
    kept = whole[own, np.arange(len(found))] | ~whole.any(axis=0)
    return decode(found[kept], "flat")


def _rows(requests: Sequence[Request], limits: Limits, count: Count) -> Iterator[_Row]:
    for index, request in enumerate(requests):
        if not (len(request.labels) and len(request.words)):
            continue
        words = request.words.texts
        for window in windows(count(words), window=limits.window, overlap=limits.overlap):
            own = tuple(words[window.first_word : window.last_word])
            yield _Row(index, window, Sentence(own, request.labels.prompts))
