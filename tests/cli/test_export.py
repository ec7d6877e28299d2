import sys

import pytest
import spacy
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli
from spacy_gliner.gliner.checkpoint import WEIGHTS_FILE, Checkpoint
from spacy_gliner.gliner.onnx import ONNX_FILE

TEXT = "Berta Lund moved to Oslo in May ."


@pytest.fixture
def pipeline(save_pipeline):
    return save_pipeline(labels=["person", "city"], threshold=0.1)


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(gliner_cli, ["export", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return " ".join(result.output.split())


def test_the_exported_folder_gives_the_pipelines_answers(tmp_path, pipeline):
    run(pipeline, tmp_path / "model")
    nlp = spacy.blank("en")
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(tmp_path / "model")}
    config = {"model": model, "labels": ["person", "city"], "threshold": 0.1}
    nlp.add_pipe("gliner", config=config)
    before, after = spacy.load(pipeline)(TEXT).ents, nlp(TEXT).ents
    assert before
    assert [(e.start, e.end, e.label_) for e in after] == [
        (e.start, e.end, e.label_) for e in before
    ]


def test_float16_halves_the_weights_and_loads_as_float32(tmp_path, pipeline):
    run(pipeline, tmp_path / "full")
    run(pipeline, tmp_path / "half", "--dtype", "float16")
    full, half = (load_file(tmp_path / name / WEIGHTS_FILE) for name in ("full", "half"))
    assert {tensor.dtype for tensor in half.values()} == {torch.float16}
    assert all(torch.equal(half[name], full[name].half()) for name in full)
    network = Checkpoint.from_disk(tmp_path / "half").network
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_another_dtype_is_refused(tmp_path, pipeline):
    assert "float16" in run(pipeline, tmp_path / "model", "--dtype", "int8", exit_code=2)


def test_files_that_are_no_checkpoint_are_kept_unless_forced(tmp_path, pipeline):
    (tmp_path / "thesis.txt").write_text("mine")
    assert "[G108]" in run(pipeline, tmp_path, exit_code=1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    run(pipeline, tmp_path, "--force")
    assert (tmp_path / WEIGHTS_FILE).is_file()
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_checkpoint_is_replaced_and_other_files_beside_it_stay(tmp_path, pipeline):
    run(pipeline, tmp_path, "--dtype", "float16")
    (tmp_path / "README.md").write_text("card")
    run(pipeline, tmp_path)
    assert load_file(tmp_path / WEIGHTS_FILE)["rnn.lstm.bias_hh_l0"].dtype == torch.float32
    assert (tmp_path / "README.md").read_text() == "card"


def test_a_component_without_a_checkpoint_is_refused(tmp_path):
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.to_disk(tmp_path / "pipeline")
    output = run(tmp_path / "pipeline", tmp_path / "model", "--pipe", "sentencizer", exit_code=1)
    assert "[G109]" in output
    assert not (tmp_path / "model").exists()


def test_a_missing_pipeline_is_said_in_a_line(tmp_path):
    assert "[E050]" in run(tmp_path / "nothing", tmp_path / "model", exit_code=1)


def test_a_graph_is_written_beside_the_checkpoint(tmp_path, pipeline):
    runtime = pytest.importorskip("onnxruntime")
    output = run(pipeline, tmp_path / "model", "--onnx", "--dtype", "float16")
    assert f"{ONNX_FILE} gives the same probabilities" in output
    session = runtime.InferenceSession(tmp_path / "model" / ONNX_FILE)
    assert [node.name for node in session.get_outputs()] == ["logits"]
    assert Checkpoint.from_disk(tmp_path / "model")


def test_a_graph_of_an_earlier_export_does_not_stay(tmp_path, pipeline):
    run(pipeline, tmp_path)
    (tmp_path / ONNX_FILE).write_bytes(b"of another model")
    run(pipeline, tmp_path)
    assert not (tmp_path / ONNX_FILE).exists()


def test_nothing_is_written_if_the_graph_scores_otherwise(tmp_path, pipeline, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("spacy_gliner.gliner.onnx.TOLERANCE", -1.0)
    assert "[G121]" in run(pipeline, tmp_path / "model", "--onnx", exit_code=1)
    assert not (tmp_path / "model").exists()


def test_a_missing_package_is_said_in_a_line(tmp_path, pipeline, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    output = run(pipeline, tmp_path / "model", "--onnx", exit_code=1)
    assert "[G118]" in output and "spacy-gliner[onnx]" in output
    assert not (tmp_path / "model").exists()
