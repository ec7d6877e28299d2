import random
from collections import Counter
from itertools import islice

import pytest
import spacy
from spacy.tokens import DocBin

from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.training.readers import make_corpus, make_mixture

from ..tiny import passage


@pytest.fixture(scope="module")
def nlp(make_random):
    return make_random()


def write(path, *passages):
    path.parent.mkdir(parents=True, exist_ok=True)
    vocab = spacy.blank("en").vocab
    DocBin(docs=[to_doc(p, vocab) for p in passages], store_user_data=True).to_disk(path)


@pytest.fixture
def data(tmp_path):
    """Two data sets, of four documents in two files, and of two."""
    write(tmp_path / "big" / "b.spacy", passage("big three"), passage("big four"))
    write(tmp_path / "big" / "a.spacy", passage("big one"), passage("big two"))
    write(tmp_path / "small" / "a.spacy", passage("small one"), passage("small two"))
    return tmp_path


def texts(examples) -> list[str]:
    return [example.reference.text.strip() for example in examples]


def test_a_corpus_is_read_once_in_order(nlp, data):
    read = make_corpus(data / "big")
    assert texts(read(nlp)) == ["big one", "big two", "big three", "big four"]
    assert texts(make_corpus(data / "big" / "b.spacy")(nlp)) == ["big three", "big four"]
    assert texts(make_corpus(data / "big", limit=3)(nlp)) == ["big one", "big two", "big three"]


def test_predicted_documents_have_the_words_but_no_annotation(nlp, tmp_path):
    write(tmp_path / "a.spacy", passage("Ada ran home", ("Ada", "person")))
    (example,) = make_corpus(tmp_path)(nlp)
    assert example.predicted.text == example.reference.text
    assert [t.text for t in example.predicted] == ["Ada", "ran", "home"]
    assert not example.predicted.spans
    assert [s.label_ for s in example.reference.spans["sc"]] == ["person"]


def test_documents_are_asked_for_what_is_known_of_them(nlp, tmp_path):
    write(
        tmp_path / "a.spacy",
        passage("Ada ran", ("Ada", "person"), label_set=("person", "city")),
        passage("Ada ran", ("Ada", "person"), absent=("award",)),
        passage("nothing"),
    )
    asked = [example.predicted._.gliner_labels for example in make_corpus(tmp_path)(nlp)]
    assert asked == [["person", "city"], ["award", "person"], None]


def test_spans_of_another_key_are_read_by_it(nlp, tmp_path):
    doc = to_doc(passage("Ada ran", ("Ada", "person")), nlp.vocab, spans_key="mine")
    DocBin(docs=[doc]).to_disk(tmp_path / "a.spacy")
    (example,) = make_corpus(tmp_path, spans_key="mine")(nlp)
    assert example.predicted._.gliner_labels == ["person"]


def test_a_mixture_has_its_shares(nlp, data):
    random.seed(0)
    drawn = texts(islice(make_mixture(data, {"big": 3.0, "small": 1.0})(nlp), 400))
    count = Counter(text.split()[0] for text in drawn)
    assert 0.7 < count["big"] / 400 < 0.8


def test_each_data_set_is_read_through_before_it_begins_again(nlp, data):
    random.seed(0)
    drawn = texts(islice(make_mixture(data, {"big": 1.0, "small": 1.0})(nlp), 60))
    big = [text for text in drawn if text.startswith("big")]
    rounds = [big[i : i + 4] for i in range(0, len(big) - 3, 4)]
    assert len(rounds) > 3
    assert all(len(set(part)) == 4 for part in rounds)
    assert len(set(map(tuple, rounds))) > 1, "in another order each time"


def test_the_seed_decides_what_is_drawn(nlp, data):
    read = make_mixture(data, {"big": 1.0, "small": 1.0})

    def draw(seed: int) -> list[str]:
        random.seed(seed)
        return texts(islice(read(nlp), 20))

    assert draw(1) == draw(1) != draw(2)


def test_drawn_examples_do_not_share_their_predictions(nlp, data):
    random.seed(0)
    examples = list(islice(make_mixture(data, {"small": 1.0})(nlp), 6))
    assert len({id(example.predicted) for example in examples}) == 6


@pytest.mark.parametrize("name", ["nothing", "nothing.spacy", "empty"])
def test_a_missing_corpus_is_named(nlp, tmp_path, name):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"\[G406\]") as error:
        list(make_corpus(tmp_path / name)(nlp))
    assert str(tmp_path / name) in str(error.value)
    with pytest.raises(ValueError, match=r"\[G406\]"):
        next(iter(make_mixture(tmp_path, {name: 1.0})(nlp)))
