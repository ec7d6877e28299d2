"""Published checkpoints of every variant give the spans and scores of the reference library."""

import pytest

from .compare import MODES, TOLERANCE, Difference, compare
from .encoders import ENCODERS
from .reference import VARIANTS
from .texts import TEXTS, many_texts

pytest.importorskip("gliner")

ALL = [(variant.name, encoder) for encoder in ENCODERS for variant in VARIANTS]
TINY = [pair for pair in ALL if pair[1] == "deberta"]
REAL = [("markerV0", "minilm"), ("bi_token", "minilm")]


def over(checkpoints):
    return pytest.mark.parametrize("published", checkpoints, indirect=True, ids="-".join)


def check(found: Difference, *, texts: int):
    assert found.spans > 3 * texts, "too few spans to tell anything"
    assert found.differing == 0
    assert found.score < TOLERANCE


@pytest.mark.parametrize("mode", MODES)
@over(TINY)
def test_same_spans_and_scores(published, mode):
    check(compare(published.folder, published.variant, TEXTS, mode=mode), texts=len(TEXTS))


@over(REAL)
def test_same_spans_and_scores_with_a_real_encoder(published):
    texts = TEXTS[::3]
    check(compare(published.folder, published.variant, texts, mode="nested"), texts=len(texts))


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@over(ALL)
def test_same_spans_and_scores_in_hundreds_of_texts(published, mode):
    texts = many_texts()
    check(compare(published.folder, published.variant, texts, mode=mode), texts=len(texts))
