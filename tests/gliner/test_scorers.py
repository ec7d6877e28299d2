from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from spacy_gliner.gliner.scorers import Marker, MarkerV0, TokenScorer, span_scorers

HIDDEN, MAX_WIDTH, TYPES = 12, 4, 3


SCORERS = [MarkerV0, Marker]


def plain(scorer: nn.Module, words: Tensor, types: Tensor, start: int, end: int) -> Tensor:
    """S_ij . q_t for the span from word start to word end, as the paper writes it."""
    first, last = scorer.project_start(words[:, start]), scorer.project_end(words[:, end])
    span = scorer.out_project(F.relu(torch.cat([first, last], dim=-1)))
    return torch.einsum("rh,rth->rt", span, types)


def spans(n_words: int) -> list[tuple[int, int]]:
    return [
        (start, start + width)
        for start in range(n_words)
        for width in range(min(MAX_WIDTH, n_words - start))
    ]


def make(
    dtype: torch.dtype, n_words: int, kind: type[nn.Module] = MarkerV0
) -> tuple[nn.Module, Tensor, Tensor]:
    torch.manual_seed(0)
    rows = 2
    scorer = kind(HIDDEN, MAX_WIDTH, 0.0).to(dtype)
    words = torch.randn(rows, n_words, HIDDEN, dtype=dtype, requires_grad=True)
    types = torch.randn(rows, TYPES, HIDDEN, dtype=dtype, requires_grad=True)
    return scorer, words, types


def gradients(loss: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad(loss, inputs))


@pytest.mark.parametrize("kind", SCORERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_words", [1, 3, 9])
def test_factorised_scores_are_those_of_the_plain_formula(kind, dtype, n_words):
    scorer, words, types = make(dtype, n_words, kind)
    logits = scorer(words, types)
    assert logits.shape == (2, n_words, MAX_WIDTH, TYPES)
    assert logits.dtype == torch.float32
    for start, end in spans(n_words):
        expected = plain(scorer, words, types, start, end).float()
        torch.testing.assert_close(logits[:, start, end - start], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", SCORERS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_words", [1, 3, 9])
def test_gradients_are_those_of_the_plain_formula(kind, dtype, n_words):
    scorer, words, types = make(dtype, n_words, kind)
    inputs = (words, types, *scorer.parameters())
    logits = scorer(words, types)
    weights = torch.randn(logits.shape, dtype=dtype)
    ours = sum((weights[:, i, j - i] * logits[:, i, j - i]).sum() for i, j in spans(n_words))
    theirs = sum(
        (weights[:, i, j - i] * plain(scorer, words, types, i, j)).sum() for i, j in spans(n_words)
    )
    pairs = zip(gradients(ours, *inputs), gradients(theirs, *inputs), strict=True)
    for found, expected in pairs:
        assert expected.abs().max() > 0
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", SCORERS)
def test_words_after_a_span_do_not_change_its_score(kind):
    scorer, words, types = make(torch.float64, 9, kind)
    logits = scorer(words, types)
    shorter = scorer(words[:, :5], types)
    for start, end in spans(5):
        torch.testing.assert_close(shorter[:, start, end - start], logits[:, start, end - start])


def test_scorers_are_found_by_name():
    assert span_scorers.get("markerV0") is MarkerV0
    assert span_scorers.get("marker") is Marker


@pytest.mark.parametrize("kind", SCORERS)
def test_types_that_all_rows_share_may_stand_there_once(kind):
    scorer, words, types = make(torch.float32, 5, kind)
    once = scorer(words, types[:1])
    torch.testing.assert_close(once, scorer(words, types[:1].expand(2, -1, -1)))


def test_word_scores_are_those_of_the_plain_formula():
    """One layer over [u; v; u' * v'] of a word and a type, and another over what it gives."""
    torch.manual_seed(0)
    scorer = TokenScorer(HIDDEN, 0.0)
    words, types = torch.randn(2, 5, HIDDEN), torch.randn(2, TYPES, HIDDEN)
    logits = scorer(words, types)
    assert logits.shape == (2, 5, 3, TYPES)
    for word, type_ in product(range(5), range(TYPES)):
        u, u_factor = scorer.proj_token(words[:, word]).split(HIDDEN, dim=-1)
        v, v_factor = scorer.proj_label(types[:, type_]).split(HIDDEN, dim=-1)
        expected = scorer.out_mlp(torch.cat([u, v, u_factor * v_factor], dim=-1))
        torch.testing.assert_close(logits[:, word, :, type_], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(scorer(words, types[:1])[0], logits[0])
