"""Batches of examples for `[training.batcher]`."""

from collections.abc import Callable, Iterable, Iterator

from spacy.training import Example


def make_word_batcher(words: int) -> Callable[[Iterable[Example]], Iterator[list[Example]]]:
    """Batches of about so many words (`spacy_gliner.batch_by_words.v1`).

    Unlike spaCy's own, it keeps the order and neither buffers nor discards: a batch ends with the
    example that fills it.
    """

    def batch(examples: Iterable[Example]) -> Iterator[list[Example]]:
        found: list[Example] = []
        size = 0
        for example in examples:
            found.append(example)
            size += len(example.reference)
            if size >= words:
                yield found
                found, size = [], 0
        if found:
            yield found

    return batch
