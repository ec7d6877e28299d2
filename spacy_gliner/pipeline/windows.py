"""Cutting long documents and large label sets to the encoder's size.

Pure functions on numbers of word pieces; they know neither Docs nor tensors.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import Errors


@dataclass(frozen=True)
class Window:
    """The words of a document that are encoded together: first, and the one after the last."""

    first_word: int
    last_word: int


def windows(piece_counts: np.ndarray, *, window: int, overlap: int) -> list[Window]:
    """Cut a document into windows that together hold every span of at most `overlap` words.

    piece_counts: word pieces of each word, at least 1. *Shape:* (words,)
    window: room for text, in word pieces, at least 1.
    overlap: words that neighbouring windows share, at least the longest span. They share fewer
        only where `window` is too small for them; still, every span of at most `overlap` words
        that fits in `window` lies wholly inside some window.

    A word with more pieces than `window` counts as `window` pieces and has a window to itself. It
    is never dropped: a word is represented by its first piece, so the encoder may cut the others.
    The last window reaches back as far as it can, to see as much context as the others.

    Raises ValueError [G013] if there is no room.
    """
    if window < 1:
        raise ValueError(Errors.G013.format(window=window))
    words = len(piece_counts)
    pieces_before = np.concatenate([[0], np.cumsum(np.minimum(piece_counts, window))])

    def longest_from(first: int) -> int:
        return int(np.searchsorted(pieces_before, pieces_before[first] + window, "right")) - 1

    def longest_to(last: int) -> int:
        return int(np.searchsorted(pieces_before, pieces_before[last] - window, "left"))

    if not words:
        return []
    found: list[Window] = []
    first = 0
    while (last := longest_from(first)) < words:
        found.append(Window(first, last))
        # Back by the overlap, but not so far that the next window takes in no new word.
        first = max(last - overlap, longest_to(last + 1))
    return [*found, Window(longest_to(words), words)]


def label_passes(
    prompt_piece_counts: Sequence[int], *, room: int, names: Sequence[str]
) -> list[slice]:
    """Split a label set over as few prompts as hold it, of about the same size.

    prompt_piece_counts: word pieces of each label's text. One piece is added for the marker
        before each label and one for the separator after all.
    room: word pieces that a prompt may have.
    names: the labels' names, for the message.
    Raises ValueError [G014] if a label is too long for a prompt of its own.
    """
    sizes = [1 + count for count in prompt_piece_counts]
    room -= 1
    for name, size in zip(names, sizes, strict=True):
        if size > room:
            raise ValueError(Errors.G014.format(name=name, size=size + 1, room=room + 1))
    if not sizes:
        return []
    fewest = len(_fill(sizes, room))
    # The smallest room that needs no more passes shares the labels out most evenly.
    rooms = range(max(sizes), room + 1)
    least = bisect_left(rooms, True, key=lambda pieces: len(_fill(sizes, pieces)) <= fewest)
    return _fill(sizes, rooms[least])


def _fill(sizes: Sequence[int], room: int) -> list[slice]:
    """Slices of consecutive items, each as long as fits in `room`."""
    slices: list[slice] = []
    first, used = 0, 0
    for i, size in enumerate(sizes):
        if used + size > room:
            slices.append(slice(first, i))
            first, used = i, 0
        used += size
    return [*slices, slice(first, len(sizes))]
