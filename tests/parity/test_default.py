"""The model in the package, exported, finds the same in the reference library."""

import pytest
from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli

from .compare import MODES, TOLERANCE, difference, our_spans, reference_spans
from .texts import LABELS, TEXTS

pytest.importorskip("gliner")


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("default") / "model"
    result = CliRunner().invoke(gliner_cli, ["export", "default", str(folder)])
    assert result.exit_code == 0, result.output
    return folder


@pytest.mark.parametrize("mode", MODES)
def test_the_exported_default_model_finds_the_same(exported, mode):
    ask = {"threshold": 0.3, "mode": mode}
    texts = TEXTS[::2]
    theirs = reference_spans(exported, texts, LABELS, **ask)
    found = difference(our_spans(exported, texts, LABELS, **ask), theirs, threshold=0.3)
    assert found.spans > len(texts)
    assert found.differing == 0
    assert found.score < TOLERANCE
