"""What the parts make together: models that learn from scratch, and decode what they learned."""

import random

import pytest

from ..gner import learning
from ..gner.learning import f1, learn, make_pipeline, sentences

SENTENCES = sentences(24, seed=0)


@pytest.mark.parametrize(
    ("write", "steps"), [(learning.write_t5, 250), (learning.write_llama, 200)]
)
def test_sentences_are_learned_by_heart_and_found_by_both_decoders(write, steps, tmp_path):
    random.seed(0)
    nlp = make_pipeline(write(tmp_path / "base"))
    assert f1(nlp, SENTENCES, decoding="forced") < 30
    losses = learn(nlp, SENTENCES, steps=steps, rate=6e-3)
    assert losses[-1] < 0.1 * losses[steps // 10]
    for decoding in ("forced", "free"):
        assert f1(nlp, SENTENCES, decoding=decoding) > 95
