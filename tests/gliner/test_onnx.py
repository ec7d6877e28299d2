"""ONNX graphs score as the network does, and the reference library can run them."""

import sys
from typing import Any
from unittest import mock

import pytest
import torch
from torch import nn

from spacy_gliner.gliner.network import NO_SPAN
from spacy_gliner.gliner.new import new_checkpoint, new_shared_checkpoint
from spacy_gliner.gliner.onnx import export_onnx, largest_difference
from spacy_gliner.gliner.probe import batch, graph_inputs

from .. import tiny
from ..parity.compare import TOLERANCE, difference, our_spans, reference_spans
from ..parity.encoders import quiet, write_deberta
from .test_variants import make
from .variants import make_variant

onnxruntime = pytest.importorskip("onnxruntime")

VARIANTS = (
    "marker",
    "token level",
    "type behind the marker",
    "layers fused",
    "mean of pieces",
    "maximum of pieces",
    "no LSTM",
    "bi-encoder",
    "bi-encoder, token level",
)
# Batches of other sizes than those that the graph was drawn from and checked with.
BATCHES = (
    [(["city"], "Oslo")],
    [
        (["person", "city"], "Berta Lund moved to Oslo in May ."),
        (["university", "old boat", "person", "city"], "Qxquux !"),
        (["long river", "person", "city"], "Old Tomas Vik teaches at the University of Bergen ."),
        (["city"], "Nobody had read the letter , and the cold tea stood there ."),
    ],
    [(["person", "city", "boat", "river", "tea", "letter", "rain"], "north " * 60)] * 7,
)
TEXTS = [*tiny.SENTENCES, "Zzyzx!", "From Oslo, Tomas Vik went past Bergen; nobody read Qxquux's."]


def run(session: Any, made, prompts) -> torch.Tensor:
    inputs = graph_inputs(prompts, made.config)
    (logits,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
    return torch.from_numpy(logits)


def check(made, path) -> None:
    assert export_onnx(made, path) < 1e-6
    session = onnxruntime.InferenceSession(path)
    for rows in BATCHES:
        prompts = batch(made.prompts, rows)
        found = run(session, made, prompts)
        assert largest_difference(made.network, prompts, found) < 1e-6
        assert found.amax(dim=(0, 1)).std() > 1e-3


@pytest.mark.parametrize("name", VARIANTS)
def test_a_graph_scores_as_the_network_whatever_the_sizes(checkpoint, tmp_path, name):
    check(make(checkpoint, name), tmp_path / "model.onnx")


def test_encoders_of_deberta_can_be_exported(tmp_path):
    folder = write_deberta(tmp_path / "encoder")
    torch.manual_seed(0)
    with quiet():
        made = new_checkpoint(str(folder), hidden_size=None, max_width=5)
    check(made, tmp_path / "model.onnx")


def test_inputs_and_output_have_the_names_that_runtimes_know(checkpoint, tmp_path):
    export_onnx(checkpoint, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    assert [(node.name, node.type, node.shape) for node in session.get_inputs()] == [
        ("input_ids", "tensor(int64)", ["rows", "pieces"]),
        ("attention_mask", "tensor(int64)", ["rows", "pieces"]),
        ("words_mask", "tensor(int64)", ["rows", "pieces"]),
        ("text_lengths", "tensor(int64)", ["rows", 1]),
        ("span_idx", "tensor(int64)", ["rows", "spans", 2]),
        ("span_mask", "tensor(bool)", ["rows", "spans"]),
    ]
    (output,) = session.get_outputs()
    shape = ["rows", "words", "max_width", "types"]
    assert (output.name, output.type, output.shape) == ("logits", "tensor(float)", shape)


def test_only_the_spans_that_are_asked_for_are_scored(checkpoint, tmp_path):
    export_onnx(checkpoint, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    prompts = batch(checkpoint.prompts, BATCHES[1])
    inputs = graph_inputs(prompts, checkpoint.config)
    expected = run(session, checkpoint, prompts)[:, 2:3]
    # Those that begin at the third word; and of them not the second.
    of_word = slice(2 * tiny.MAX_WIDTH, 3 * tiny.MAX_WIDTH)
    mask = inputs["span_mask"][:, of_word].clone()
    mask[:, 1] = False
    given = {**inputs, "span_idx": inputs["span_idx"][:, of_word], "span_mask": mask}
    (found,) = session.run(None, {name: tensor.numpy() for name, tensor in given.items()})
    expected[:, :, 1] = NO_SPAN
    torch.testing.assert_close(torch.from_numpy(found), expected)


def test_the_network_stays_as_it_was(checkpoint, tmp_path):
    made = make(checkpoint, "bi-encoder")
    made.network.scorer.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in made.network.state_dict().items()}
    trained = [parameter.requires_grad for parameter in made.network.parameters()]
    export_onnx(made, tmp_path / "model.onnx")
    after = made.network.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert [parameter.requires_grad for parameter in made.network.parameters()] == trained
    assert not any(module.training for module in made.network.modules())
    assert not made.network.encoder.labels.cache
    assert all(parameter.grad is None for parameter in made.network.parameters())


class CountingScorer(nn.Module):
    """Takes the number of types for a constant."""

    def forward(self, words, types):
        scores = (words @ types.transpose(1, 2))[:, :, None]
        return scores.expand(-1, -1, tiny.MAX_WIDTH, -1) / int(types.size(1))


class StrangeScorer(nn.Module):
    """Does what ONNX cannot."""

    def forward(self, words, types):
        scores = (torch.special.bessel_j0(words) @ types.transpose(1, 2))[:, :, None]
        return scores.expand(-1, -1, tiny.MAX_WIDTH, -1)


@pytest.mark.parametrize(
    ("scorer", "code"), [(CountingScorer(), "[G121]"), (StrangeScorer(), "[G120]")]
)
def test_a_graph_that_is_not_the_network_is_not_written(checkpoint, tmp_path, scorer, code):
    made = make_variant(checkpoint)
    made.network.scorer = scorer
    with pytest.raises(ValueError) as caught:
        export_onnx(made, tmp_path / "folder" / "model.onnx")
    assert str(caught.value).startswith(code)
    assert not list(tmp_path.iterdir())


def test_scores_that_are_no_numbers_are_refused(checkpoint, tmp_path):
    made = make_variant(checkpoint)
    nn.init.constant_(made.network.types[0].bias, float("nan"))
    with pytest.raises(ValueError, match="G121"):
        export_onnx(made, tmp_path / "model.onnx")


def test_a_model_without_an_encoder_of_its_own_is_refused(encoder_folder, tmp_path):
    shared = new_shared_checkpoint(
        16, str(encoder_folder), hidden_size=None, max_width=4, name="none"
    )
    with pytest.raises(ValueError, match="G119"):
        export_onnx(shared, tmp_path / "model.onnx")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_named_with_its_extra(checkpoint, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf"G118.*{package} .*spacy-gliner\[onnx\]"):
        export_onnx(checkpoint, tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("name", "threshold"),
    [("marker", 0.5), ("token level", 0.4), ("mean of pieces", 0.5), ("bi-encoder", 0.5)],
)
def test_the_reference_library_finds_the_same_with_the_graph(checkpoint, tmp_path, name, threshold):
    gliner = pytest.importorskip("gliner")
    made = make(checkpoint, name)
    made.to_disk(tmp_path)
    export_onnx(made, tmp_path / "model.onnx")
    (tmp_path / "model.safetensors").rename(tmp_path / "unused")
    with quiet():
        model = gliner.GLiNER.from_pretrained(
            str(tmp_path), local_files_only=True, load_onnx_model=True
        )
    assert model.onnx_model
    ask = {"threshold": threshold, "mode": "nested"}
    with mock.patch("tests.parity.compare.load", return_value=model):
        theirs = reference_spans(tmp_path, TEXTS, tiny.LABELS, batch_size=3, **ask)
    (tmp_path / "unused").rename(tmp_path / "model.safetensors")
    ours = our_spans(tmp_path, TEXTS, tiny.LABELS, **ask)
    found = difference(ours, theirs, threshold=threshold)
    assert found.spans > len(TEXTS)
    assert found.differing == 0
    assert found.score < TOLERANCE


def test_the_reference_library_finds_the_same_with_a_trained_model(learned_folder, tmp_path):
    pytest.importorskip("gliner")
    ask = {"threshold": 0.5}
    theirs = reference_spans(learned_folder, tiny.SENTENCES, tiny.LABELS, **ask)
    ours = our_spans(learned_folder, tiny.SENTENCES, tiny.LABELS, **ask)
    found = difference(ours, theirs, threshold=0.5)
    assert found.spans >= len(tiny.MENTIONS)
    assert found.differing == 0
    assert found.score < TOLERANCE
