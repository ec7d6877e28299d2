"""Forced decoding against every legal sequence of tags, and on hostile texts."""

from functools import cache
from itertools import product
from math import exp
from random import Random

import pytest
import torch

from spacy_gliner.gner import batch
from spacy_gliner.gner.annotate import Decoding, Sentence, annotate
from spacy_gliner.gner.bio import spans_to_tags, tags_to_spans
from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.gner.rows import Rows

from .. import tiny
from . import models

LABELS = ("city", "person", "university (of a city)", "per")
SENTENCES = ("Oslo and Bergen", "Berta Lund wrote", "the (B-city) rain (", "\u2602 \u00e9 \u2602")


class Exact(GNERCheckpoint):
    """In float64, since in float32 the order of sums shows where weights are as large as here."""

    def running(self, precision):
        return self.network


@pytest.fixture(scope="module", params=["t5", "t5-untied", "llama"])
def checkpoint(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "llama":
        models.write_llama(folder)
    else:
        models.write_t5(folder, tie_word_embeddings=request.param == "t5", initializer_factor=3.0)
    checkpoint = Exact.from_disk(folder)
    checkpoint.network.double()
    return checkpoint


def legal_tags(tags, labels):
    last = tags[-1][2:] if tags and tags[-1] != "O" else None
    return ["O", *(f"B-{label}" for label in labels), *([f"I-{last}"] if last else [])]


def legal_sequences(n_words, labels):
    choices = ["O", *(f"{part}-{label}" for label in labels for part in "BI")]
    for tags in product(choices, repeat=n_words):
        if all(tag in legal_tags(tags[:i], labels) for i, tag in enumerate(tags)):
            yield tags


@torch.no_grad()
def log_probability(checkpoint, sentence, tags, outside_bias=0.0):
    """Of a sequence of tags: each piece among those that a legal tag could have there.

    By one call of the library's own network a prefix, without any of our decoder.
    """
    target = checkpoint.target
    written, total = [], 0.0
    for i, (chunk, tag) in enumerate(
        zip(target.words(sentence.words)[: len(tags)], tags, strict=True)
    ):
        written += chunk
        options = [target.tag(legal) for legal in legal_tags(tags[:i], sentence.labels)]
        for depth, piece in enumerate(target.tag(tag)):
            pieces = sorted({option[depth] for option in options})
            if len(pieces) > 1:
                logits = next_logits(checkpoint, sentence, tuple(written))[pieces]
                if depth == 0:
                    logits[pieces.index(target.tag("O")[0])] += outside_bias
                total += logits.log_softmax(0)[pieces.index(piece)].item()
            options = [option for option in options if option[depth] == piece]
            written.append(piece)
    return total


@cache
def next_logits(checkpoint, sentence, written):
    network = checkpoint.network
    (prompt,) = checkpoint.prompts([(sentence.words, sentence.labels)])
    if not checkpoint.is_encoder_decoder:
        return network(torch.tensor([[*prompt, *written]])).logits[0, -1].double()
    start = network.config.decoder_start_token_id
    return (
        network(
            input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([[start, *written]])
        )
        .logits[0, -1]
        .double()
    )


def spans(candidates, labels):
    columns = (candidates.start, candidates.end, candidates.type)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [(start, end, labels[type_]) for start, end, type_ in rows]


@pytest.mark.parametrize("outside_bias", [0.0, 2.0])
def test_a_wide_beam_finds_the_best_of_all_sequences(checkpoint, outside_bias):
    sentences = [Sentence(tuple(text.split()), LABELS[:2]) for text in SENTENCES]
    decoding = Decoding(beam=200, outside_bias=outside_bias)
    for sentence, found in zip(sentences, annotate(checkpoint, sentences, decoding), strict=True):
        scores = {
            tags: log_probability(checkpoint, sentence, tags, outside_bias)
            for tags in legal_sequences(len(sentence.words), sentence.labels)
        }
        assert sum(map(exp, scores.values())) == pytest.approx(1)
        best = max(scores, key=scores.__getitem__)
        assert spans(found, sentence.labels) == tags_to_spans(best)


def test_a_beam_of_one_takes_the_best_tag_word_by_word(checkpoint):
    sentences = [Sentence(tuple(text.split()), LABELS) for text in tiny.SENTENCES]
    found = annotate(checkpoint, sentences, Decoding(draft=0))
    for sentence, candidates in zip(sentences, found, strict=True):
        tags = ()
        for n_words in range(1, len(sentence.words) + 1):
            begun = Sentence(sentence.words, sentence.labels)
            tags = max(
                ((*tags, tag) for tag in legal_tags(tags, LABELS)),
                key=lambda tags: log_probability(checkpoint, begun, tags),
            )
            assert len(tags) == n_words
        assert spans(candidates, LABELS) == tags_to_spans(tags)


def test_the_score_is_the_probability_of_the_span(checkpoint):
    """That its words have their tags, and that the next word does not continue it."""
    sentence, bias = Sentence(("Oslo", "and", "Bergen", "rain"), LABELS[:2]), -1e3
    (found,) = annotate(checkpoint, [sentence], Decoding(outside_bias=bias))
    assert len(found)
    tags = spans_to_tags(spans(found, sentence.labels), len(sentence.words))

    def probability(tags):
        return exp(log_probability(checkpoint, sentence, tags, bias))

    scores = found.score.tolist()
    for (start, end, label), score in zip(spans(found, sentence.labels), scores, strict=True):
        expected = probability(tags[:end]) / probability(tags[:start])
        if end < len(tags):
            goes_on = [*tags[:end], f"I-{label}"]
            expected *= 1 - probability(goes_on) / probability(tags[:end])
        assert score == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("beam", [1, 3])
def test_a_sentence_is_read_alike_alone_and_among_others(checkpoint, beam):
    texts = [*tiny.SENTENCES, "Oslo", "( Bergen (O) )", "f(x)(O) the Oslo(B-city)"]
    sentences = [Sentence(tuple(text.split()), LABELS) for text in texts]
    together = annotate(checkpoint, sentences, Decoding(beam=beam))
    for sentence, found in zip(sentences, together, strict=True):
        (alone,) = annotate(checkpoint, [sentence], Decoding(beam=beam))
        assert spans(found, LABELS) == spans(alone, LABELS)
        assert found.score.tolist() == pytest.approx(alone.score.tolist(), abs=1e-5)


@pytest.mark.parametrize("outside_bias", [0.0, 1.0, 3.0])
def test_drafting_changes_nothing_but_the_number_of_calls(checkpoint, outside_bias, monkeypatch):
    calls = []
    step = Rows.step
    monkeypatch.setattr(Rows, "step", lambda *args: calls.append(1) or step(*args))
    texts = [" ".join(tiny.SENTENCES), *tiny.SENTENCES[2:4]]
    sentences = [Sentence(tuple(text.split()), LABELS) for text in texts]
    plain = annotate(checkpoint, sentences, Decoding(draft=0, outside_bias=outside_bias))
    n_plain = len(calls)
    drafted = annotate(checkpoint, sentences, Decoding(draft=16, outside_bias=outside_bias))
    assert len(calls) - n_plain < n_plain
    for one, other in zip(plain, drafted, strict=True):
        assert spans(one, LABELS) == spans(other, LABELS)
        assert one.score.tolist() == pytest.approx(other.score.tolist(), abs=1e-5)


def hostile_text(rng: Random) -> tuple[str, ...]:
    parts = [
        "(",
        ")",
        "(O)",
        "(B-city)",
        "I-",
        "Oslo",
        "the",
        "\u200b",
        "{",
        "<",
        "\u2602",
        "\U0001f600",
    ]
    parts += ["e\u0301", "\ufb01", "\u4e2d", "a\nb", "</s>", "<pad>", "\t", "\u00a0x", "%s", "wet"]
    words = ["".join(rng.choices(parts, k=rng.randint(1, 3))) for _ in range(rng.randint(1, 8))]
    return tuple(words + rng.choices(words, k=rng.randint(0, 4)))


def test_every_word_of_hostile_texts_is_kept(checkpoint, monkeypatch):
    """What the decoder has read in the end is each word, as the vocabulary spells it, and a tag."""
    hypotheses = []
    run = batch.run
    monkeypatch.setattr(batch, "run", lambda *args: hypotheses.extend(found := run(*args)) or found)
    rng = Random(0)
    sentences = [Sentence(hostile_text(rng), LABELS) for _ in range(500)]
    annotated = annotate(checkpoint, sentences, Decoding(outside_bias=1.0))
    assert len(hypotheses) == 500
    by_length = sorted(hypotheses, key=lambda hypothesis: len(hypothesis.tags))
    lengths = sorted(len(sentence.words) for sentence in sentences)
    assert [len(hypothesis.tags) for hypothesis in by_length] == lengths
    assert sum(map(len, annotated)) == sum(len(hypothesis.spans()) for hypothesis in hypotheses) > 0
