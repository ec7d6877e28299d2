"""Readers of DocBins: `[corpora.train]` and `[corpora.dev]`."""

import random
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from random import Random

from spacy.language import Language
from spacy.tokens import Doc, DocBin
from spacy.training import Example

from ..corpus.passage import SPANS_KEY, from_doc
from ..errors import Errors
from ..evaluation.gold import asked_labels

Reader = Callable[[Language], Iterable[Example]]


def make_corpus(path: Path, spans_key: str = SPANS_KEY, limit: int = 0) -> Reader:
    """Read a file or folder of DocBins once, in order (`spacy_gliner.Corpus.v1`).

    Each document is asked for the types that are known of it (`doc._.gliner_labels`, or that of
    the pipeline's component), so that an evaluation during training means what it says.
    limit: the most documents; 0 is all of them.
    """

    def read(nlp: Language) -> Iterator[Example]:
        pipes = [pipe for _, pipe in nlp.pipeline]
        extensions = [p.labels_extension for p in pipes if hasattr(p, "labels_extension")]
        for number, doc in enumerate(read_docs(Path(path), nlp)):
            if limit and number >= limit:
                return
            example = to_example(doc)
            labels = asked_labels(from_doc(doc, spans_key))
            for extension in extensions:
                example.predicted._.set(extension, list(labels) or None)
            yield example

    return read


def make_mixture(path: Path, shares: dict[str, float]) -> Reader:
    """An endless stream of documents from several data sets (`spacy_gliner.Mixture.v1`).

    path: the folder which holds a folder of DocBins for each data set.
    shares: for each of these folders, its share of the documents; they need not add up to 1.
    Each data set is read through in random order, then again in another one.
    """

    @lru_cache(maxsize=1)  # spaCy reads once to initialise, and once more to train
    def load(nlp: Language) -> list[list[Doc]]:
        return [list(read_docs(Path(path) / name, nlp)) for name in shares]

    def read(nlp: Language) -> Iterator[Example]:
        # spaCy seeds the global generator by [training] seed.
        rng = Random(random.getrandbits(32))
        streams = [_endless(docs, rng) for docs in load(nlp)]
        while True:
            (stream,) = rng.choices(streams, list(shares.values()))
            yield to_example(next(stream))

    return read


def read_docs(path: Path, nlp: Language) -> Iterator[Doc]:
    """The documents of a DocBin, or of all in a folder. Raises ValueError if there is none."""
    files = sorted(path.rglob("*.spacy")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise ValueError(Errors.G406.format(path=path))
    for file in files:
        yield from DocBin().from_disk(file).get_docs(nlp.vocab)


def to_example(doc: Doc) -> Example:
    """The document with its annotation, beside one without, of the same words."""
    words = [token.text for token in doc]
    spaces = [bool(token.whitespace_) for token in doc]
    return Example(Doc(doc.vocab, words=words, spaces=spaces), doc)


def _endless(docs: list[Doc], rng: Random) -> Iterator[Doc]:
    while True:
        yield from rng.sample(docs, len(docs))
