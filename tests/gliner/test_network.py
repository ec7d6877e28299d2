from itertools import product

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from spacy_gliner.gliner.encoder import WordLSTM
from spacy_gliner.gliner.network import NO_SPAN

from ..tiny import MAX_WIDTH

ROWS = [
    (["person", "city"], ["Berta", "Lund", "moved", "to", "Oslo", "in", "May", "."]),
    (["river"], ["Oslo"]),
    (["a long type of five words", "b", "c"], ["the", "boat"]),
    (
        ["university"],
        [
            "one",
            "letter",
            "after",
            "the",
            "other",
            "comes",
            "down",
            "the",
            "long",
            "cold",
            "river",
            "to",
            "us",
        ],
    ),
]


@torch.inference_mode()
def score(checkpoint, rows):
    builder = checkpoint.prompts
    types = builder.units([types for types, _ in rows])
    words = builder.units([words for _, words in rows])
    return checkpoint.network(builder.batch(list(zip(types, words, strict=True))))


@pytest.mark.parametrize("row", range(len(ROWS)))
def test_padding_does_not_change_logits(checkpoint, row):
    types, words = ROWS[row]
    alone = score(checkpoint, [ROWS[row]])[0, : len(words), :, : len(types)]
    together = score(checkpoint, ROWS)[row, : len(words), :, : len(types)]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    assert alone[alone != NO_SPAN].abs().min() > 1e-4


def test_no_span_is_exactly_where_padding_is_or_the_end_is_passed(checkpoint):
    logits = score(checkpoint, ROWS)
    assert logits.size(2) == MAX_WIDTH
    for row, start, width, type_ in product(*map(range, logits.shape)):
        types, words = ROWS[row]
        real = start + width < len(words) and type_ < len(types)
        assert (logits[row, start, width, type_] != NO_SPAN) == real


def test_what_is_no_span_has_no_probability_and_no_gradient(checkpoint):
    logits = score(checkpoint, ROWS).clone()
    nowhere = logits == NO_SPAN
    for dtype in (torch.float32, torch.bfloat16):
        again = logits.to(dtype).requires_grad_(True)
        (gradient,) = torch.autograd.grad(nn.functional.softplus(again).sum(), again)
        assert not gradient[nowhere].any()
        assert not again.sigmoid()[nowhere].any()
        assert again.sigmoid()[~nowhere].all()


def test_the_word_lstm_is_torchs_bidirectional_one_on_packed_rows():
    torch.manual_seed(0)
    ours, theirs = WordLSTM(10), nn.LSTM(10, 5, bidirectional=True, batch_first=True)
    with torch.no_grad():
        for name, weight in ours.left_to_right.named_parameters():
            getattr(theirs, name).copy_(weight)
        for name, weight in ours.right_to_left.named_parameters():
            getattr(theirs, f"{name}_reverse").copy_(weight)
    words, counts = torch.randn(4, 7, 10), torch.tensor([3, 7, 1, 6])
    packed = pack_padded_sequence(words, counts, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
    found = ours(words, counts)
    for row, count in enumerate(counts.tolist()):
        torch.testing.assert_close(found[row, :count], expected[row, :count], atol=1e-6, rtol=1e-6)


def test_the_word_lstm_at_first_passes_much_of_its_input_on():
    torch.manual_seed(0)
    words, counts = torch.randn(2, 30, 48), torch.tensor([30, 20])
    lstm = WordLSTM(48)

    def agreement() -> float:
        with torch.no_grad():
            return torch.cosine_similarity(lstm(words, counts), words, dim=-1)[0].mean().item()

    assert abs(agreement()) < 0.2
    lstm.start_near_identity()
    assert agreement() > 0.6


def test_the_word_lstm_keeps_full_precision_under_autocast():
    lstm, words = WordLSTM(10), torch.randn(1, 3, 10)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = lstm(words.bfloat16(), torch.tensor([3]))
    assert found.dtype == torch.float32
    assert torch.equal(found, lstm(words.bfloat16().float(), torch.tensor([3])))
