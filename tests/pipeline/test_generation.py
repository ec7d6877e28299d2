"""Windows for a generative model, with an annotator that knows the truth but sees only a part."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gliner.decode import Candidates
from spacy_gliner.pipeline.generation import Limits, find_entities, join_windows
from spacy_gliner.pipeline.inference import Request
from spacy_gliner.pipeline.labels import LabelSet
from spacy_gliner.pipeline.windows import Window, windows
from spacy_gliner.pipeline.words import Words

LABELS = LabelSet.create(["city", "person", "river"])
NONE = LabelSet.create([])

Entity = tuple[int, int, int]


def candidates(entities, score) -> Candidates:
    columns = np.array(entities, dtype=np.int32).reshape(-1, 3).T
    scores = np.array([score(entity) for entity in entities], dtype=np.float32)
    return Candidates(*columns, scores)


def spans(found: Candidates) -> list[Entity]:
    return list(zip(found.start.tolist(), found.end.tolist(), found.type.tolist(), strict=True))


def any_score(entity: Entity) -> float:
    """Such that parts are often surer than the whole."""
    start, end, _ = entity
    return 0.1 + (7 * start + 3 * end) % 13 / 16


def numbered(n_words: int) -> Words:
    """Words that say where they stand."""
    none = np.zeros(n_words, dtype=np.int64)
    return Words([str(i) for i in range(n_words)], none, none)


class Annotator:
    """Finds what it sees of the entities of all documents."""

    def __init__(self, entities, score=any_score):
        self.entities = entities
        self.score = score
        self.seen: list[Window] = []

    def __call__(self, sentences):
        return [self.annotate(sentence) for sentence in sentences]

    def annotate(self, sentence) -> Candidates:
        first, last = int(sentence.words[0]), int(sentence.words[-1]) + 1
        self.seen.append(Window(first, last))
        parts = [(max(s, first), min(e, last), t) for s, e, t in self.entities]
        return candidates([(s - first, e - first, t) for s, e, t in parts if s < e], self.score)


PIECES = st.integers(1, 5)


@st.composite
def documents(draw, pieces=PIECES):
    """Pieces of each word, entities that share no word, and limits."""
    counts = draw(st.lists(pieces, min_size=1, max_size=60))
    bounds = draw(st.lists(st.integers(0, len(counts)), max_size=24, unique=True).map(sorted))
    types = st.integers(0, 2)
    entities = [(s, e, draw(types)) for s, e in zip(bounds[::2], bounds[1::2], strict=False)]
    return counts, entities, Limits(draw(st.integers(1, 30)), draw(st.integers(0, 8)))


def find(counts, entities, limits) -> tuple[list[Entity], list[Window]]:
    annotator = Annotator(entities)
    request = Request(numbered(len(counts)), LABELS)
    (found,) = find_entities(
        [request], limits, count=lambda words: np.array(counts), annotate=annotator
    )
    return spans(found), annotator.seen


@given(documents())
def test_nothing_is_lost_and_nothing_is_made_up(document):
    counts, entities, limits = document
    found, _ = find(counts, entities, limits)
    parts = {
        (s, e, t): [f for f in found if s <= f[0] and f[1] <= e and f[2] == t]
        for s, e, t in entities
    }
    assert all(parts.values())
    assert sum(map(len, parts.values())) == len(found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


@given(documents())
def test_what_a_window_sees_with_its_neighbours_is_found_whole(document):
    counts, entities, limits = document
    found, seen = find(counts, entities, limits)
    n_words = len(counts)
    for start, end, type_ in entities:
        if any(
            (w.first_word < start or start == 0) and (end < w.last_word or end == n_words)
            for w in seen
            if w.first_word <= start and end <= w.last_word
        ):
            assert (start, end, type_) in found


@given(documents(pieces=st.just(1)))
def test_entities_no_longer_than_the_overlap_are_found_whole(document):
    counts, entities, limits = document
    limits = Limits(max(limits.window, limits.overlap + 1), limits.overlap)
    found, _ = find(counts, entities, limits)
    assert {e for e in entities if e[1] - e[0] <= limits.overlap} <= set(found)


def test_a_part_is_left_out_though_it_is_surer_than_the_whole():
    parts = [
        (Window(0, 10), candidates([(2, 4, 0), (8, 10, 1)], lambda _: 0.9)),
        (Window(6, 16), candidates([(2, 5, 2)], lambda _: 0.4)),
    ]
    assert spans(join_windows(parts)) == [(2, 4, 0), (8, 11, 2)]


def test_a_part_that_no_window_sees_beyond_stays():
    parts = [
        (Window(0, 10), candidates([(3, 10, 0)], lambda _: 0.9)),
        (Window(6, 16), candidates([(0, 5, 0)], lambda _: 0.4)),
    ]
    assert spans(join_windows(parts)) == [(3, 10, 0)]


def test_the_ends_of_the_text_cut_nothing_off():
    parts = [(Window(0, 6), candidates([(0, 2, 0), (4, 6, 1)], lambda _: 0.5))]
    assert spans(join_windows(parts)) == [(0, 2, 0), (4, 6, 1)]


def test_entities_without_scores_are_joined_too():
    """Free decoding has none: NaN."""
    windows_ = windows(np.ones(40, dtype=int), window=10, overlap=4)
    truth = [(0, 2, 0), (7, 11, 1), (20, 23, 2), (39, 40, 0)]
    annotator = Annotator(truth, score=lambda _: np.nan)
    (found,) = find_entities(
        [Request(numbered(40), LABELS)],
        Limits(10, 4),
        count=lambda words: np.ones(len(words), dtype=int),
        annotate=annotator,
    )
    assert annotator.seen == windows_
    assert spans(found) == truth
    assert np.isnan(found.score).all()


def test_all_windows_of_all_documents_are_annotated_at_once():
    calls = []

    def annotate(sentences):
        calls.append(sentences)
        return [candidates([(0, 1, len(s.labels) - 1)], any_score) for s in sentences]

    one = LabelSet.create({"PLACE": "city"})
    requests = [Request(numbered(12), LABELS), Request(numbered(3), one)]
    found = find_entities(
        requests,
        Limits(5, 0),
        count=lambda words: np.ones(len(words), dtype=int),
        annotate=annotate,
    )
    assert [[s.words for s in call] for call in calls] == [
        [
            ("0", "1", "2", "3", "4"),
            ("5", "6", "7", "8", "9"),
            ("7", "8", "9", "10", "11"),
            ("0", "1", "2"),
        ]
    ]
    assert [s.labels for s in calls[0]] == [("city", "person", "river")] * 3 + [("city",)]
    # The word at which the last window begins is inside the one before it.
    assert [spans(f) for f in found] == [[(0, 1, 2), (5, 6, 2)], [(0, 1, 0)]]


def test_documents_without_words_or_labels_are_not_annotated():
    requests = [Request(numbered(0), LABELS), Request(numbered(3), NONE)]
    found = find_entities(requests, Limits(5, 0), count=len, annotate=lambda _: 1 / 0)
    assert [len(f) for f in found] == [0, 0]
