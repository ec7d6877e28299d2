from itertools import chain
from math import isnan

import numpy as np
import pytest
import srsly
import torch

from spacy_gliner.gner import free
from spacy_gliner.gner.annotate import Decoding, Sentence, annotate, piece_counts
from spacy_gliner.gner.bio import write_target
from spacy_gliner.gner.checkpoint import GNERCheckpoint, new_checkpoint

from .. import tiny
from . import models

LABELS = ("field", "city", "person")
OWN_TEXTS = (*models.TEXTS, "he studied antropologia in Bergen wet wet wet")
SENTENCES = [Sentence(tuple(text.split()), LABELS) for text in tiny.SENTENCES]
FREE = Decoding(decoding="free")
HE_AND_BERGEN = [(0, 1, "person"), (4, 5, "city")]
N_PIECES = 16


@pytest.fixture(scope="module", params=["t5", "llama"])
def checkpoint(request, tmp_path_factory):
    """With random weights, but large ones: so texts differ, and tags are sure of themselves."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "llama":
        models.write_llama(folder, texts=OWN_TEXTS)
    else:
        models.write_t5(folder, texts=OWN_TEXTS, initializer_factor=3.0)
    return GNERCheckpoint.from_disk(folder)


def spans(candidates, labels=LABELS):
    columns = (candidates.start, candidates.end, candidates.type)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(start, end, labels[type_]) for start, end, type_ in rows]


# Writing freely


@torch.inference_mode()
def write_greedily(network, prompt: list[int], n_pieces: int) -> list[int]:
    """Piece by piece, each by a pass over all that is there."""
    before = not network.config.is_encoder_decoder
    start = prompt if before else [network.config.decoder_start_token_id]
    written = []
    for _ in range(n_pieces):
        row = torch.tensor([[*start, *written]])
        own = {} if before else {"decoder_input_ids": row}
        inputs = row if before else torch.tensor([prompt])
        logits = network(input_ids=inputs, use_cache=False, **own).logits
        written.append(int(logits[0, -1].argmax()))
    return written


def until(eos: int, pieces: list[int]) -> list[int]:
    return pieces[: pieces.index(eos)] if eos in pieces else pieces


@pytest.fixture(scope="module")
def prompts(checkpoint):
    return checkpoint.prompts([(sentence.words, LABELS) for sentence in SENTENCES[:4]])


@pytest.fixture(scope="module")
def greedy(checkpoint, prompts):
    return [write_greedily(checkpoint.network, prompt, N_PIECES) for prompt in prompts]


def ends(greedy: list[list[int]]) -> list[int]:
    """Some pieces which, as the end of a text, would end these at different places."""
    places = {
        piece: {len(until(piece, row)) for row in greedy}
        for piece in {*chain.from_iterable(greedy)}
    }
    return sorted(places, key=lambda piece: (-len(places[piece]), piece))[:2]


def test_texts_are_written_as_if_each_were_alone(checkpoint, prompts, greedy):
    assert len(set(map(len, prompts))) > 1
    for eos in ends(greedy):
        written = free.write(checkpoint.network, prompts, eos=eos, longest=N_PIECES, beam=1)
        expected = [until(eos, row) for row in greedy]
        assert len(set(map(len, expected))) > 1
        assert [until(eos, row) for row in written] == expected
        assert all({*row[len(own) :]} <= {eos} for row, own in zip(written, expected, strict=True))


def test_a_beam_writes_as_if_each_text_were_alone(checkpoint, prompts, greedy):
    eos, *_ = ends(greedy)
    settings = {"eos": eos, "longest": N_PIECES, "beam": 3}
    together = free.write(checkpoint.network, prompts, **settings)
    alone = [free.write(checkpoint.network, [prompt], **settings)[0] for prompt in prompts]
    assert [until(eos, row) for row in together] == [until(eos, row) for row in alone]
    assert [until(eos, row) for row in alone] != [until(eos, row) for row in greedy]


def test_a_folders_own_ways_of_writing_do_not_matter(checkpoint, prompts, greedy, tmp_path):
    """Published models often have settings for chats, such as sampling."""
    checkpoint.to_disk(tmp_path)
    path = tmp_path / "generation_config.json"
    own = {
        "do_sample": True,
        "num_beams": 3,
        "repetition_penalty": 9.0,
        "suppress_tokens": [*range(99)],
    }
    srsly.write_json(path, {**srsly.read_json(path), **own})
    network = GNERCheckpoint.from_disk(tmp_path).network
    eos, *_ = ends(greedy)
    written = free.write(network, prompts, eos=eos, longest=N_PIECES, beam=1)
    assert [until(eos, row) for row in written] == [until(eos, row) for row in greedy]


# From what was written to entities


def annotate_as(monkeypatch, checkpoint, text: str, sentence: str) -> list[tuple[int, int, str]]:
    """The entities of a sentence for which this text is written."""
    pieces = [*checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"], 1, 1]
    monkeypatch.setattr(free, "write", lambda *args, **settings: [pieces])
    (found,) = annotate(checkpoint, [Sentence(tuple(sentence.split()), LABELS)], FREE)
    assert all(map(isnan, found.score.tolist())) and found.score.dtype == np.float32
    return spans(found)


SENTENCE = "he studied antropologia in Bergen"
WRITTEN = "he(O) studied(O) antropologia(B-field) in(O) Bergen(B-city)"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # Word for word.
        (WRITTEN, [(2, 3, "field"), (4, 5, "city")]),
        # Changed: the word is lost, but none beside it.
        ("he(B-person) studied(O) antropologa(B-field) in(O) Bergen(B-city)", HE_AND_BERGEN),
        # Left out.
        ("he(B-person) antropologia(O) Bergen(B-city)", HE_AND_BERGEN),
        # Added.
        (
            "he(B-person) and(O) he(B-person) studied(O) in(O) the(I-city) Bergen(B-city)",
            HE_AND_BERGEN,
        ),
        # In other letters, with a label that was not asked for, and with no end.
        (
            "He(B-person) studied(O) Antropologia(B-thing) in(O) BERGEN(B-city) and(B-",
            HE_AND_BERGEN,
        ),
        ("", []),
    ],
)
def test_entities_come_back_onto_the_words(monkeypatch, checkpoint, text, found):
    assert annotate_as(monkeypatch, checkpoint, text, SENTENCE) == found


def test_words_that_the_vocabulary_cannot_spell_come_back_too(monkeypatch, checkpoint):
    """They are compared as the model can write them."""
    text = write_target(
        ["{Oslo", "\u4e2d", "\ufb01n", "rain"], ["B-city", "I-city", "B-field", "O"]
    )
    found = annotate_as(monkeypatch, checkpoint, text, "{Oslo \u4e2d \ufb01n rain")
    assert found == [(0, 2, "city"), (2, 3, "field")]


def test_what_a_model_without_bio_writes(monkeypatch, checkpoint, tmp_path):
    checkpoint.to_disk(tmp_path)
    plain = new_checkpoint(tmp_path, boundaries="plain", context=0)
    found = annotate_as(
        monkeypatch, plain, "studied(field) antropologia(field) Bergen(city)", SENTENCE
    )
    assert found == [(1, 3, "field"), (4, 5, "city")]


def test_a_text_may_be_written_whose_tags_are_all_the_longest(monkeypatch, checkpoint):
    limits = []

    def record(network, prompts, *, eos, longest, beam):
        limits.append(longest)
        return [[] for _ in prompts]

    monkeypatch.setattr(free, "write", record)
    words = SENTENCES[0].words
    annotate(checkpoint, [Sentence(words, ("city", "field", "person"))], FREE)
    start = "" if checkpoint.is_encoder_decoder else " "
    texts = [
        start + write_target(words, [f"I-{label}"] * len(words)) for label in ("city", "field")
    ]
    encoded = checkpoint.tokenizer(texts, add_special_tokens=False)["input_ids"]
    assert limits == [max(map(len, encoded)) + 1]
    assert len(encoded[0]) < len(encoded[1])


def test_a_text_without_an_end_is_cut_off_as_if_it_were_alone(monkeypatch, checkpoint):
    """Here each would go on with the next entity in the room of a longer sentence beside it."""
    text = f" rain(O) rain(O) rain(O){' Oslo(B-city)' * 2}"
    pieces = checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"]
    monkeypatch.setattr(
        free, "write", lambda _, prompts, *, longest, **settings: [pieces[:longest]] * len(prompts)
    )
    sentences = [
        Sentence(tuple(words.split()), ("city",)) for words in ("Oslo", "rain rain rain Oslo Oslo")
    ]
    alone = [annotate(checkpoint, [sentence], FREE)[0] for sentence in sentences]
    together = annotate(checkpoint, sentences, FREE)
    assert [len(found) for found in together] == [len(found) for found in alone] == [0, 2]


# Either decoder


@pytest.mark.parametrize("decoding", ["forced", "free"])
def test_sentences_without_words_or_labels_have_no_entities(checkpoint, decoding):
    settings = Decoding(decoding=decoding, outside_bias=-1e3 if decoding == "forced" else 0.0)
    bare = [Sentence((), LABELS), Sentence(("Oslo",), ())]
    assert [len(found) for found in annotate(checkpoint, bare, settings)] == [0, 0]
    assert annotate(checkpoint, [], settings) == []
    short = Sentence(("Oslo", "rain"), LABELS[:1])
    among = annotate(checkpoint, [bare[0], short, bare[1]], settings)
    (alone,) = annotate(checkpoint, [short], settings)
    assert [len(found) for found in among] == [0, len(alone), 0]
    if decoding == "forced":
        assert len(alone)


@pytest.fixture
def used_precisions(monkeypatch):
    used, running = [], GNERCheckpoint.running

    def record(checkpoint: GNERCheckpoint, precision: str):
        used.append(precision)
        return running(checkpoint, precision)

    monkeypatch.setattr(GNERCheckpoint, "running", record)
    return used


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_forced_decoding_with_other_precisions(checkpoint, used_precisions, precision):
    """One word and one label that must be chosen: what is left to the network is the score."""
    sentences = [Sentence((word,), ("city", "person")) for word in ("Oslo", "wrote", "Berta")]
    exact = annotate(checkpoint, sentences, Decoding(outside_bias=-1e3))
    rough = annotate(checkpoint, sentences, Decoding(outside_bias=-1e3, precision=precision))
    assert used_precisions == ["float32", precision]
    assert [spans(found)[0][:2] for found in rough] == [(0, 1)] * 3
    pairs = zip(exact, rough, strict=True)
    scores = [(e.score[0], r.score[0]) for e, r in pairs if e.type[0] == r.type[0]]
    assert scores and any(one != other for one, other in scores)
    assert [one for one, _ in scores] == pytest.approx([other for _, other in scores], abs=0.3)


@pytest.mark.parametrize("precision", ["bfloat16", "int8"])
def test_free_decoding_with_other_precisions(monkeypatch, checkpoint, used_precisions, precision):
    networks = []
    sentence = Sentence(tuple(SENTENCE.split()), LABELS)
    write, own = free.write, checkpoint.tokenizer(f" {WRITTEN}", add_special_tokens=False)

    def record(network, prompts, **settings):
        networks.append(network)
        assert len(write(network, prompts, **{**settings, "longest": 3})[0]) <= 3
        return [own["input_ids"]]

    monkeypatch.setattr(free, "write", record)
    (found,) = annotate(checkpoint, [sentence], Decoding(decoding="free", precision=precision))
    assert spans(found) == [(2, 3, "field"), (4, 5, "city")]
    assert used_precisions == [precision] and networks == [checkpoint.running(precision)]


@pytest.mark.parametrize("settings", [{"boundaries": "plain"}, {"context": 2}])
def test_forced_decoding_needs_a_model_that_writes_every_word_with_bio(
    checkpoint, settings, tmp_path
):
    checkpoint.to_disk(tmp_path)
    other = new_checkpoint(tmp_path, **settings)
    ((_, value),) = settings.items()
    with pytest.raises(ValueError, match=rf"\[G517\].*{value!r}.*'free'"):
        annotate(other, SENTENCES[:1], Decoding())
    assert len(annotate(other, [Sentence(("Oslo",), LABELS)], FREE)) == 1


@pytest.mark.parametrize(
    ("labels", "decoding", "code"),
    [(("a", "a) b"), "forced", "G516"), (("a", "x(B-a"), "free", "G503")],
)
def test_labels_that_cannot_be_told_apart(checkpoint, labels, decoding, code):
    with pytest.raises(ValueError, match=rf"\[{code}\]"):
        annotate(checkpoint, [Sentence(("Oslo",), labels)], Decoding(decoding=decoding))


@pytest.mark.parametrize("decoding", ["forced", "free"])
@pytest.mark.parametrize("limit", ["max_position_embeddings", "sliding_window"])
def test_a_row_longer_than_a_decoder_reads_is_refused(monkeypatch, checkpoint, decoding, limit):
    (size,) = map(len, checkpoint.prompts([(SENTENCES[0].words, LABELS)]))
    monkeypatch.setattr(checkpoint.network.config, limit, size + 1, raising=False)
    if checkpoint.is_encoder_decoder:  # whose positions are only relative to one another
        assert annotate(checkpoint, SENTENCES[:1], Decoding(decoding))
        return
    with pytest.raises(ValueError, match=rf"G520.*reads {size + 1} at once"):
        annotate(checkpoint, SENTENCES[:1], Decoding(decoding))


def test_decoders_that_hide_keys_by_their_own_rules_are_decoded_freely(monkeypatch, checkpoint):
    monkeypatch.setattr(checkpoint.network.config, "model_type", "gemma2")
    if checkpoint.is_encoder_decoder:
        assert annotate(checkpoint, SENTENCES[:1], Decoding())
        return
    with pytest.raises(ValueError, match=r"G521.*'gemma2'"):
        annotate(checkpoint, SENTENCES[:1], Decoding())
    assert annotate(checkpoint, SENTENCES[:1], FREE)


def test_piece_counts_are_those_of_a_target_without_entities(checkpoint):
    words = ["Oslo", "f(x)", "New York", "", "\u4e2d\u2602"]
    counts = piece_counts(checkpoint, words)
    compact = ["Oslo", "f(x)", "NewYork", "", "\u4e2d\u2602"]
    start = "" if checkpoint.is_encoder_decoder else " "
    text = start + write_target(compact, ["O"] * 5)
    assert counts.shape == (5,) and piece_counts(checkpoint, []).shape == (0,)
    assert counts.sum() == len(checkpoint.tokenizer(text, add_special_tokens=False)["input_ids"])


def test_batches_hold_no_more_than_they_may(monkeypatch, checkpoint):
    """Counted with the prompts, and for each hypothesis of the beam."""
    sizes = []

    def write(network, prompts, *, eos, longest, beam):
        sizes.append(len(prompts))
        return [[] for _ in prompts]

    monkeypatch.setattr(free, "write", write)
    sentence = SENTENCES[0]
    (prompt,) = checkpoint.prompts([(sentence.words, LABELS)])
    size = len(prompt) + piece_counts(checkpoint, sentence.words).sum()
    for beam, room, expected in [(1, 3, [3, 3]), (1, 2, [2] * 3), (2, 4, [2] * 3), (2, 1, [1] * 6)]:
        sizes.clear()
        decoding = Decoding(decoding="free", beam=beam, max_batch_pieces=room * int(size))
        annotate(checkpoint, [sentence] * 6, decoding)
        assert sizes == expected
