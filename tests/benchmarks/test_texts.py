import pytest

from benchmarks.inference.texts import make_labels, make_texts
from spacy_gliner.pipeline.words import WORD_PATTERN


@pytest.mark.parametrize(("count", "words"), [(3, 1), (5, 20), (2, 400)])
def test_texts_have_exactly_so_many_words(count, words):
    texts = make_texts(count, words)
    assert [len(WORD_PATTERN.findall(text)) for text in texts] == [words] * count
    assert len(set(texts)) == count


def test_labels_differ_and_grow_by_adding():
    labels = make_labels(1000)
    assert len(set(map(str.lower, labels))) == 1000
    assert make_labels(5) == labels[:5]
