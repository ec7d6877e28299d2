"""Texts of every kind and length, and label sets of every size."""

import random
from itertools import pairwise

import numpy as np
import pytest
from spacy.tokens import Doc

from spacy_gliner.gliner.decode import Candidates
from spacy_gliner.pipeline.inference import Limits, Request, find_candidates
from spacy_gliner.pipeline.labels import LabelSet
from spacy_gliner.pipeline.windows import label_passes
from spacy_gliner.pipeline.words import doc_words
from spacy_gliner.shim import shim_of

from ..tiny import FILLER, LABELS, MAX_WIDTH

STRANGE = {
    "empty": "",
    "spaces": "   ",
    "lines": "\n\n\t\r\n",
    "zero width": "\u200b\u200b \ufeff \u200d",
    "emoji": "🙂👩‍👩‍👧‍👦 ❤️🇳🇴 🙂",
    "marks": "e\u0301\u0301\u0301 \u0301 ﷽",
    "letters": "x " * 3000,
    "one long word": "x" * 3000,
    "arabic": "ذهبت ليلى إلى القاهرة في شهر مايو.",
    "japanese": "花子は五月に大阪へ引っ越しました。",
    "control": "a\x00b \x07 \x1b[0m",
    "markers": "<<ENT>> person <<SEP>> [CLS] [SEP] [MASK] [PAD]",
}


def numbers(prediction) -> list[tuple]:
    columns = (prediction.start, prediction.end, prediction.labels)
    return list(zip(*map(list, columns), strict=True))


@pytest.fixture(scope="module")
def eager(make_random):
    """Finds a lot, and nothing that makes sense: any text has spans then."""
    return make_random(labels=LABELS, threshold=0.01)


@pytest.fixture(scope="module")
def learned(make_learned):
    return make_learned(labels=["person", "city", "university"])


@pytest.mark.parametrize("words", ["spacy", "regex"])
@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
def test_no_text_is_too_strange(eager, text, words):
    component = eager.get_pipe("gliner")
    component.words = words
    doc = eager(text)
    assert doc.text == text
    assert all(text[ent.start_char : ent.end_char] == ent.text != "" for ent in doc.ents)
    assert bool(doc.ents) == bool(len(doc_words(doc, words)))


def test_all_strange_texts_together_are_as_alone(eager):
    eager.get_pipe("gliner").words = "spacy"
    together = [
        numbers(p) for p in eager.get_pipe("gliner").predict(map(eager.make_doc, STRANGE.values()))
    ]
    alone = [
        numbers(eager.get_pipe("gliner").predict([eager.make_doc(t)])[0]) for t in STRANGE.values()
    ]
    assert together == alone


@pytest.mark.parametrize("text", ["", "\n"])
def test_a_document_without_words_in_every_mode(make_random, text):
    for mode in ("nested", "multi_label"):
        doc = make_random(labels=LABELS, mode=mode)(text)
        assert len(doc.spans["sc"]) == len(doc.spans["sc"].attrs["scores"]) == 0


@pytest.mark.parametrize(
    "strange", ["\u200b", "🙂", "東京", "\u200b \ufeff \u200d 🙂 ☂", "é\u0301"]
)
def test_entities_beside_strange_words_have_the_right_offsets(learned, strange):
    text = f"{strange} Berta Lund {strange} moved to Oslo {strange} ."
    entities = {(ent.start_char, ent.text) for ent in learned(text).ents}
    assert {(text.index("Berta"), "Berta Lund"), (text.index("Oslo"), "Oslo")} <= entities


# Long documents

BLOCK = 60  # words


@pytest.fixture(scope="module")
def novel(learned) -> Doc:
    """12,000 words; in each block of 60 there are three mentions."""
    rng = random.Random(0)
    words: list[str] = []
    while len(words) < 12_000:
        mentions = ["Berta Lund", "Oslo", "Tomas Vik", "Bergen"]
        parts = rng.choices(FILLER, k=BLOCK - 6) + mentions
        rng.shuffle(parts)
        words += " ".join(parts).split()
    return Doc(learned.vocab, words=words)


@pytest.mark.parametrize("window", [32, 64, 100])
def test_every_part_of_a_long_document_is_read(learned, novel, window):
    component = learned.get_pipe("gliner")
    component.window = window
    (prediction,) = component.predict([novel])
    component.window = None
    right = [
        start
        for start, end, label in numbers(prediction)
        if (novel[start:end].text, label)
        in {("Berta Lund", "person"), ("Tomas Vik", "person"), ("Oslo", "city"), ("Bergen", "city")}
    ]
    assert {start // BLOCK for start in right} == set(range(len(novel) // BLOCK))
    planted = 4 * len(novel) // BLOCK
    assert len(right) > 0.8 * planted
    assert right[-1] > len(novel) - BLOCK


@pytest.mark.parametrize("overlap", [MAX_WIDTH, 3 * MAX_WIDTH])
def test_every_span_is_scored_in_some_window(make_random, overlap):
    nlp = make_random(labels=["city"])
    words = doc_words(nlp.make_doc("the old boat went past a xyz " * 20), "spacy")
    limits = Limits(window=32, text=32, overlap=overlap, max_batch_pieces=4096)
    found = ask(nlp.get_pipe("gliner"), words, LabelSet.create(["city"], 1e-9), limits)
    every = {
        (start, start + width)
        for width in range(1, MAX_WIDTH + 1)
        for start in range(len(words) - width + 1)
    }
    assert set(zip(found.start.tolist(), found.end.tolist(), strict=True)) == every


def test_a_word_longer_than_the_encoder_reads_is_cut(learned):
    words = f"Berta Lund moved to Oslo in {'x-' * 600} .".split()
    doc = learned(Doc(learned.vocab, words=words))
    assert {("Berta Lund", "person"), ("Oslo", "city")} <= {(e.text, e.label_) for e in doc.ents}


@pytest.mark.parametrize("mode", ["flat", "nested", "multi_label"])
def test_windows_leave_no_duplicates(learned, novel, mode):
    component = learned.get_pipe("gliner")
    component.window, component.overlap, component.mode = 40, 3 * MAX_WIDTH, mode
    (prediction,) = component.predict([novel[:3000].as_doc()])
    component.window, component.overlap, component.mode = None, None, "flat"
    spans = numbers(prediction)
    assert len(spans) == len(set(spans)) > 100
    if mode == "flat":
        assert all(left[1] <= right[0] for left, right in pairwise(sorted(spans)))


@pytest.mark.parametrize("most", [300, 1000])
def test_batches_are_no_larger_than_allowed(make_random, novel, most, monkeypatch):
    """Padding included: what a batch takes of memory goes by that."""
    component = make_random(labels=LABELS, max_batch_pieces=most).get_pipe("gliner")
    shim, shapes = shim_of(component.model), []
    predict = shim.predict

    def spy(prompts, *args):
        shapes.append(prompts.input_ids.shape)
        return predict(prompts, *args)

    monkeypatch.setattr(shim, "predict", spy)
    component.predict([novel[i : i + 17].as_doc() for i in range(0, 1700, 17)])
    assert len(shapes) > 1
    assert most / 2 < max(rows * pieces for rows, pieces in shapes) <= most


def test_batches_of_any_size_give_the_same(learned, novel):
    component = learned.get_pipe("gliner")
    docs = [novel[i : i + 37].as_doc() for i in range(0, 800, 37)]
    expected = [numbers(p) for p in component.predict(docs)]
    for max_batch_pieces in (1, 500):
        component.max_batch_pieces = max_batch_pieces
        assert [numbers(p) for p in component.predict(docs)] == expected
    component.max_batch_pieces = 4096
    assert sum(map(len, expected)) > 20


# Large label sets

MANY = [f"{name} number {i}" for i in range(1, 9) for name in ("river", "old letter", "boat")]


def ask(component, words, labels: LabelSet, limits: Limits) -> Candidates:
    texts = component._texts([], [words])
    (found,) = find_candidates(component.model, [Request(words, labels)], texts, limits)
    return found


def test_a_large_label_set_is_asked_in_passes_as_each_alone(make_random):
    nlp = make_random()
    component = nlp.get_pipe("gliner")
    words = doc_words(nlp.make_doc("Berta Lund moved to Oslo in May . " * 12), "spacy")
    labels = LabelSet.create(MANY, 0.4)
    limits = Limits(window=64, text=64, overlap=MAX_WIDTH, max_batch_pieces=4096)
    counts = [1 + name.count(" ") + 5 for name in labels.names]  # "number" is cut into letters
    (pieces,) = component._checkpoint.prompts.units([labels.prompts])
    assert pieces.counts.tolist() == counts
    passes = label_passes(counts, room=32, names=labels.names)
    assert len(passes) > 5
    apart = Candidates.concatenate(
        ask(component, words, LabelSet.create(MANY[part], 0.4), limits).shift(types=part.start)
        for part in passes
    )
    whole = ask(component, words, labels, limits)
    assert len(whole) == len(apart) > 0
    assert set(whole.type.tolist()) - set(range(passes[0].stop)), "later passes find something"
    for name in ("start", "end", "type"):
        assert np.array_equal(np.sort(getattr(whole, name)), np.sort(getattr(apart, name)))
    np.testing.assert_allclose(np.sort(whole.score), np.sort(apart.score), atol=1e-5)


def test_hundreds_of_labels_leave_room_for_the_text(make_random):
    labels = [f"river number {i}" for i in range(300)]
    nlp = make_random(labels=labels, threshold=0.01, mode="multi_label", window=128)
    doc = nlp("Berta Lund moved to Oslo in May .")
    assert {span.label_ for span in doc.spans["sc"]} == set(labels)
    assert {span.start for span in doc.spans["sc"]} == set(range(len(doc)))


def test_a_label_longer_than_a_prompt_is_named(make_random):
    nlp = make_random(labels=["river", "x " * 600])
    with pytest.raises(ValueError, match=r"\[G014\].*'x x x"):
        nlp("Oslo")
