"""Memory grows with the words of a document by a constant, and with the texts of a stream not."""

from functools import partial
from itertools import cycle, islice
from random import Random
from sys import platform

import pytest
from spacy.tokens import Doc

from benchmarks.memory import cost_of

from ..tiny import FILLER, SENTENCES, drill

pytestmark = pytest.mark.skipif(platform != "linux", reason="reads /proc")
SHORT, LONG = 100_000, 250_000


def test_a_long_document_takes_few_bytes_a_word(make_random):
    """A Doc has some 200 bytes for each of its tokens."""
    nlp = make_random(labels=["city"], threshold=0.999)
    docs = [Doc(nlp.vocab, words=list(islice(cycle(FILLER), n))) for n in (SHORT, SHORT, LONG)]
    # The first one pays for what is made once.
    _, short, long = (cost_of(partial(nlp.get_pipe("gliner"), doc))[1].peak for doc in docs)
    assert (long - short) / (LONG - SHORT) < 200


def test_a_stream_leaves_nothing_behind(make_learned):
    """The same texts again, so that spaCy has nothing to learn, and torch no size to prepare."""
    rng = Random(0)
    nlp, stream = make_learned(), [drill(rng) for _ in range(1000)]
    for _ in nlp.pipe(stream * 2):
        pass
    entities, cost = cost_of(lambda: sum(len(doc.ents) for doc in nlp.pipe(stream * 5)))
    assert entities > 1000
    assert cost.kept / (5 * len(stream)) < 400


def test_a_memory_zone_frees_what_was_read_in_it(make_learned):
    nlp = make_learned()
    expected = [[ent.label_ for ent in nlp(text).ents] for text in SENTENCES]
    known = len(nlp.vocab.strings)
    for zone in range(3):
        with nlp.memory_zone():
            docs = list(nlp.pipe(f"{text} {zone}x{i}" for i, text in enumerate(SENTENCES)))
            assert [[ent.label_ for ent in doc.ents] for doc in docs] == expected
        assert len(nlp.vocab.strings) == known
