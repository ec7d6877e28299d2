import numpy as np
import pytest
import torch
from torch.nn import functional as F

from spacy_gliner.training.loss import MIN_POSITIVES, count_positives, loss_and_gradient, targets
from spacy_gliner.training.rows import Row
from spacy_gliner.training.types import Question

from ..tiny import passage


def question(*lengths: int, types: int, positives=(), known=None) -> Question:
    """A row of passages of the given lengths; everything is known if nothing else is said."""
    row = Row(tuple(passage("w " * length) for length in lengths))
    if known is None:
        known = [[True] * types] * len(lengths)
    names = tuple(f"type {i}" for i in range(types))
    return Question(row, names, tuple(positives), np.array(known, dtype=bool))


@pytest.fixture
def cells():
    """Logits, truth and which types are known. *Shape:* (2, 5, 3, 4), known (2, 5, 1, 4)"""
    torch.manual_seed(0)
    logits = 2 * torch.randn(2, 5, 3, 4, dtype=torch.float64)
    truth = (torch.rand(logits.shape) < 0.2).double()
    known = (torch.rand(2, 5, 1, 4) < 0.5).double()
    return logits, truth, known


def test_truth_is_one_at_positives_only():
    asked = question(3, 2, types=2, positives=[(0, 1, 0), (1, 3, 1), (3, 5, 0)])
    truth, _ = targets([asked], torch.zeros(1, 8, 3, 2))
    assert truth.shape == (1, 8, 3, 2)
    assert truth.nonzero().tolist() == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 3, 1, 0]]


def test_a_span_longer_than_the_longest_has_no_truth():
    truth, _ = targets(
        [question(6, types=1, positives=[(0, 4, 0), (0, 3, 0)])], torch.zeros(1, 6, 3, 1)
    )
    assert truth.nonzero().tolist() == [[0, 0, 2, 0]]


def test_each_passage_of_a_row_knows_its_own_types():
    asked = question(2, 3, types=2, known=[[True, False], [False, True]])
    _, known = targets([asked, question(1, types=1)], torch.zeros(2, 6, 3, 4))
    assert known.shape == (2, 6, 1, 4)
    assert known[0, :, 0, 0].tolist() == [1, 1, 0, 0, 0, 0]
    assert known[0, :, 0, 1].tolist() == [0, 0, 1, 1, 1, 0]
    assert known[0, :, 0, 2:].sum() == 0, "padded types are unknown"
    assert known[1].nonzero().tolist() == [[0, 0, 0]]


def test_positives_are_counted_over_the_batch():
    many = question(9, types=2, positives=[(i, i + 1, 0) for i in range(9)])
    assert count_positives([many, many]) == 18
    assert count_positives([question(9, types=2)]) == MIN_POSITIVES


def test_the_loss_is_torchs_cross_entropy_on_known_cells(cells):
    logits, truth, known = cells
    counted = (known.expand_as(truth) + truth) > 0
    expected = F.binary_cross_entropy_with_logits(logits[counted], truth[counted], reduction="sum")
    loss, _ = loss_and_gradient(logits, truth, known, focus=0.0)
    assert loss == pytest.approx(expected.item())
    assert 0 < counted.sum() < counted.numel()


def test_the_gradient_is_probability_minus_truth_where_known(cells):
    logits, truth, known = cells
    _, gradient = loss_and_gradient(logits, truth, known, focus=0.0)
    counted = torch.maximum(known.expand_as(truth), truth)
    torch.testing.assert_close(gradient, (logits.sigmoid() - truth) * counted)


@pytest.mark.parametrize("focus", [0.0, 0.5, 2.0])
def test_the_gradient_is_that_of_the_loss(cells, focus):
    """By finite differences, cell by cell."""
    logits, truth, known = cells
    _, gradient = loss_and_gradient(logits, truth, known, focus=focus)
    step = 1e-5
    for cell in [(0, 0, 0, 0), (0, 3, 2, 1), (1, 1, 1, 2), (1, 4, 0, 3), *truth.nonzero().tolist()]:
        moved = torch.zeros_like(logits)
        moved[tuple(cell)] = step
        up, _ = loss_and_gradient(logits + moved, truth, known, focus=focus)
        down, _ = loss_and_gradient(logits - moved, truth, known, focus=focus)
        assert gradient[tuple(cell)].item() == pytest.approx((up - down) / (2 * step), abs=1e-6)


@pytest.mark.parametrize("focus", [0.0, 2.0])
def test_unknown_cells_have_no_gradient_and_no_part_in_the_loss(cells, focus):
    logits, truth, known = cells
    unknown = (known.expand_as(truth) == 0) & (truth == 0)
    loss, gradient = loss_and_gradient(logits, truth, known, focus=focus)
    assert unknown.any() and not gradient[unknown].any()
    assert gradient[~unknown].all()
    elsewhere = torch.where(unknown, 7.0, logits)
    assert loss_and_gradient(elsewhere, truth, known, focus=focus)[0] == pytest.approx(loss)


def test_a_positive_counts_though_its_type_is_unknown_otherwise():
    logits, truth = torch.zeros(1, 1, 2, 1), torch.zeros(1, 1, 2, 1)
    truth[0, 0, 1, 0] = 1.0
    _, gradient = loss_and_gradient(logits, truth, torch.zeros(1, 1, 1, 1), focus=0.0)
    assert gradient.flatten().tolist() == [0.0, -0.5]


def test_the_focal_loss_weighs_by_a_power_of_the_error(cells):
    logits, truth, known = cells
    plain = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    weighed = plain * (logits.sigmoid() - truth).abs() ** 3
    loss, _ = loss_and_gradient(logits, truth, known, focus=3.0)
    assert loss == pytest.approx((weighed * torch.maximum(known, truth)).sum().item())


def test_focus_lowers_sure_decisions_most():
    logits, truth = torch.tensor([[[[-6.0, -0.1]]]]), torch.zeros(1, 1, 1, 2)
    known = torch.ones(1, 1, 1, 2)
    _, plain = loss_and_gradient(logits, truth, known, focus=0.0)
    _, focal = loss_and_gradient(logits, truth, known, focus=2.0)
    sure, unsure = (focal / plain).flatten().tolist()
    assert 0 < sure < 0.01 < unsure < 1


def test_no_span_has_no_part_in_it():
    logits = torch.tensor([[[[-1e4, 0.0]]]])
    loss, gradient = loss_and_gradient(
        logits, torch.zeros(1, 1, 1, 2), torch.ones(1, 1, 1, 2), focus=1.0
    )
    assert gradient.flatten().tolist()[0] == 0.0
    assert np.isfinite(loss)
