"""The way from words and labels to candidates: windows and prompts, batches, candidates."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from thinc.api import Model

from ..gliner.batches import batches
from ..gliner.candidates import span_candidates, token_candidates
from ..gliner.checkpoint import Checkpoint
from ..gliner.decode import Candidates
from ..gliner.pieces import Pieces, round_up
from ..gliner.shared import WordVectors
from ..shim import shim_of
from ..threads import in_threads
from .labels import LabelSet
from .windows import Window, label_passes, windows
from .words import Words

Text = Pieces | WordVectors
# The most word pieces that a thread reads at once on a CPU: more are hardly faster, and leave holes
# in memory. If there are no more for each thread, all of them read one batch together.
THREAD_PIECES = 1024


@dataclass(frozen=True, eq=False)
class Request:
    """A document's words, and what to look for in them."""

    words: Words
    labels: LabelSet


@dataclass(frozen=True)
class Limits:
    """window: the longest row, prompt included, in word pieces.
    text: the most word pieces of text in a row.
    overlap: words that neighbouring windows share.
    max_batch_pieces: the most word pieces of a batch, padding included.
    """

    window: int
    text: int
    overlap: int
    max_batch_pieces: int


@dataclass(frozen=True, eq=False)
class _Row:
    """One window of one document, asked for one part of its labels."""

    request: int
    window: Window
    labels: slice
    types: Pieces
    words: Text


def find_candidates(
    model: Model, requests: Sequence[Request], texts: Sequence[Text], limits: Limits
) -> list[Candidates]:
    """The scored spans of each document, in its words; windows of all documents are batched.

    texts: what the model reads of each document's words.
    """
    checkpoint = shim_of(model).checkpoint
    # It takes texts of the kind that it made.
    builder: Any = checkpoint.prompts
    candidates = token_candidates if checkpoint.config.is_token_level else span_candidates
    rows = list(_rows(checkpoint, requests, texts, limits))

    def read(indices: Sequence[int]) -> dict[int, Candidates]:
        """The spans of each document that has a row in a batch.

        They are joined here: many small arrays, made between large ones, would leave holes.
        """
        batch = [rows[index] for index in indices]
        logits = model.predict(builder.batch([(row.types, row.words) for row in batch]))
        thresholds = [requests[row.request].labels.thresholds[row.labels] for row in batch]
        own: dict[int, list[Candidates]] = {row.request: [] for row in batch}
        for row, spans in zip(batch, candidates(logits, thresholds), strict=True):
            own[row.request].append(
                spans.shift(words=row.window.first_word, types=row.labels.start)
            )
        return {request: Candidates.concatenate(parts) for request, parts in own.items()}

    sizes = [round_up(builder.size(row.types, row.words)) for row in rows]
    if checkpoint.network.device.type == "cpu":
        threads = torch.get_num_threads()
        parts = _even_batches(sizes, limits.max_batch_pieces, threads=threads)
    else:
        threads, parts = 1, batches(sizes, limits.max_batch_pieces)
    found: list[list[Candidates]] = [[] for _ in requests]
    for results in in_threads(read, parts, threads=threads):
        for request, spans in results.items():
            found[request].append(spans)
    return [Candidates.concatenate(spans) for spans in found]


def _even_batches(sizes: Sequence[int], most: int, *, threads: int) -> list[list[int]]:
    """Batches for threads, as even as can be: of at most `most` pieces, or a single longer row."""
    is_little = sum(sizes) <= threads * THREAD_PIECES
    most = min(most, threads * THREAD_PIECES if is_little else THREAD_PIECES)
    parts = batches(sizes, most)
    if len(parts) < threads:
        return parts
    rounds = -(-len(parts) // threads)
    limits = range(min(most, max(sizes)), most)
    fewest = bisect_left(
        limits, True, key=lambda limit: len(batches(sizes, limit)) <= rounds * threads
    )
    return batches(sizes, limits.start + fewest)


def _rows(
    checkpoint: Checkpoint, requests: Sequence[Request], texts: Sequence[Text], limits: Limits
) -> Iterator[_Row]:
    builder: Any = checkpoint.prompts
    label_sets = list({request.labels: None for request in requests})
    asked = {
        labels: [(part, types[part]) for part in _passes(checkpoint, types, labels, limits)]
        for labels, types in zip(
            label_sets, builder.types([labels.prompts for labels in label_sets]), strict=True
        )
    }
    for index, (request, text) in enumerate(zip(requests, texts, strict=True)):
        for labels, types in asked[request.labels]:
            room = min(limits.window - builder.size(types, Pieces.join([])), limits.text)
            for window in windows(text.counts, window=room, overlap=limits.overlap):
                words = text[window.first_word : window.last_word].cut(room)
                yield _Row(index, window, labels, types, words)


def _passes(checkpoint: Checkpoint, types: Pieces, labels: LabelSet, limits: Limits) -> list[slice]:
    """The parts of the label set that are asked for one after the other.

    A prompt leaves at least half of the window to the text. Bi-encoders have none.
    """
    if checkpoint.config.is_bi_encoder:
        return [slice(0, len(labels))] if len(labels) else []
    return label_passes(types.counts.tolist(), room=limits.window // 2, names=labels.names)
