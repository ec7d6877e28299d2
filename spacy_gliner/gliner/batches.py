"""Rows of about one length into batches, so that little of them is padding."""

from collections.abc import Sequence

from spacy_transformers.util import batch_by_length


def batches(lengths: Sequence[int], max_pieces: int) -> list[list[int]]:
    """Batch rows so that rows x longest row is at most max_pieces, padding included.

    lengths: word pieces of each row, prompt included.
    Returns row numbers, longest rows first, so that memory runs out at once or never; every row is
    in exactly one batch, and one longer than max_pieces in a batch of its own.
    """
    return batch_by_length([range(length) for length in lengths], max_pieces)
