"""The ways of running a pipeline: batches, processes, threads, precisions."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from spacy_gliner.threads import in_threads

from ..tiny import SENTENCES

TEXTS = [*SENTENCES, "", *SENTENCES[::-1]]


def entities(doc) -> list[tuple]:
    return [(ent.start, ent.end, ent.label_, ent._.score) for ent in doc.ents]


@pytest.fixture(scope="module")
def nlp(make_learned):
    return make_learned()


@pytest.fixture(scope="module")
def expected(nlp) -> list[list[tuple]]:
    found = [entities(nlp(text)) for text in TEXTS]
    assert sum(map(len, found)) > 10
    return found


def assert_same(found: list[list[tuple]], expected: list[list[tuple]]) -> None:
    """Scores may differ in the last digits, since they depend on a batch's shape."""
    assert [[ent[:3] for ent in doc] for doc in found] == [
        [ent[:3] for ent in doc] for doc in expected
    ]
    scores, others = ([ent[3] for doc in docs for ent in doc] for docs in (found, expected))
    assert scores == pytest.approx(others, abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3, 100])
def test_pipe_gives_what_single_calls_give(nlp, expected, batch_size):
    assert_same([entities(doc) for doc in nlp.pipe(TEXTS, batch_size=batch_size)], expected)


def test_texts_come_with_their_context(nlp, expected):
    found = list(nlp.pipe(zip(TEXTS, range(99), strict=False), as_tuples=True))
    assert [context for _, context in found] == list(range(len(TEXTS)))
    assert_same([entities(doc) for doc, _ in found], expected)


@pytest.mark.timeout(300, method="thread")
@pytest.mark.parametrize("loaded", [True, False])
def test_processes_give_what_one_gives(make_learned, expected, loaded):
    """Torch's threads do not survive a fork: without care, a child waits for them forever."""
    nlp = make_learned()
    torch.set_num_threads(2)
    try:
        if loaded:
            list(nlp.pipe(TEXTS * 5))
        torch.ones(1000, 1000) @ torch.ones(1000, 1000)
        docs = list(nlp.pipe(TEXTS, n_process=2, batch_size=2))
    finally:
        torch.set_num_threads(1)
    assert_same([entities(doc) for doc in docs], expected)


@pytest.mark.timeout(300, method="thread")
def test_labels_of_documents_reach_the_processes(nlp):
    docs = [nlp.make_doc(SENTENCES[0]) for _ in range(4)]
    for doc in docs[:2]:
        doc._.gliner_labels = {"WHERE": "city"}
    found = [{ent.label_ for ent in doc.ents} for doc in nlp.pipe(docs, n_process=2, batch_size=1)]
    assert found == [{"WHERE"}] * 2 + [{"person", "city"}] * 2


def test_threads_give_what_one_gives(make_learned, expected):
    nlp = make_learned()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: entities(nlp(text)), TEXTS * 3))
    assert_same(found, expected * 3)


def test_torchs_threads_read_batches_of_their_own(nlp, expected, two_threads, monkeypatch):
    monkeypatch.setattr("spacy_gliner.pipeline.inference.THREAD_PIECES", 20)
    used = []

    def watch(function, tasks, *, threads):
        used.append((len(tasks), threads))
        return in_threads(function, tasks, threads=threads)

    monkeypatch.setattr("spacy_gliner.pipeline.inference.in_threads", watch)
    assert_same([entities(doc) for doc in nlp.pipe(TEXTS)], expected)
    ((tasks, threads),) = used
    assert tasks >= threads == 2


def test_bfloat16_finds_the_same(make_learned, expected):
    nlp = make_learned(precision="bfloat16")
    found = [entities(nlp(text)) for text in TEXTS]
    assert [[ent[:3] for ent in doc] for doc in found] == [[ent[:3] for ent in d] for d in expected]
    assert found != expected


def test_a_disabled_component_finds_nothing(nlp, expected):
    with nlp.select_pipes(disable=["gliner"]):
        assert not nlp(TEXTS[0]).ents
    with nlp.select_pipes(enable=["gliner"]):
        assert_same([entities(nlp(TEXTS[0]))], expected[:1])


def test_errors_can_be_handled(make_learned):
    nlp, failed = make_learned(), []
    nlp.set_error_handler(lambda name, component, docs, error: failed.extend(docs))
    docs = [nlp.make_doc(text) for text in SENTENCES[:2]]
    docs[0]._.gliner_labels = "person"
    assert [len(doc.ents) for doc in nlp.pipe(docs, batch_size=1)] == [1]
    assert failed == docs[:1]
