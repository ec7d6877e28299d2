"""Memory grows with the words of a document by a constant, and with the texts of a stream not."""

from collections import Counter
from functools import partial
from itertools import cycle, islice
from random import Random
from sys import platform

import pytest
from spacy.tokens import Doc

from benchmarks.memory import cost_of
from spacy_gliner.gliner.pieces import round_up
from spacy_gliner.pipeline.inference import THREAD_PIECES
from spacy_gliner.precision import PackedLinear

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


def test_products_have_few_sizes(make_random, monkeypatch):
    """oneDNN keeps something for each size that it has met."""
    sizes = Counter()
    forward = PackedLinear.forward

    def watch(self, rows):
        sizes[rows.flatten(0, -2).size(0)] += 1
        return forward(self, rows)

    monkeypatch.setattr(PackedLinear, "forward", watch)
    nlp, rng = make_random(labels=["city", "person"]), Random(0)
    texts = [" ".join(rng.choices(FILLER, k=rng.randint(3, 60))) for _ in range(600)]
    for _ in nlp.pipe(texts, batch_size=20):
        pass
    assert len(sizes) > 10
    assert sizes.keys() <= {round_up(size) for size in range(1, 2 * THREAD_PIECES)}


def test_a_memory_zone_frees_what_was_read_in_it(make_learned):
    nlp, other = make_learned(), make_learned()
    for text in SENTENCES:
        nlp(text)
    known = len(nlp.vocab.strings)
    for zone in range(3):
        texts = [f"{text} {zone}x{i}" for i, text in enumerate(SENTENCES)]
        expected = [[ent.label_ for ent in doc.ents] for doc in other.pipe(texts)]
        with nlp.memory_zone():
            docs = list(nlp.pipe(texts))
            assert [[ent.label_ for ent in doc.ents] for doc in docs] == expected
        assert any(expected)
        assert len(nlp.vocab.strings) == known
