"""Both decoders of one pipeline, through the same scorer."""

import json

import pytest
from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli
from spacy_gliner.corpus.shards import write_file
from spacy_gliner.evaluation.predict import find_component

from ..tiny import LABELS, SENTENCES, marked

FLAT = [text for text in SENTENCES if "University" not in text]


@pytest.fixture
def model(make_gner, tmp_path) -> str:
    make_gner().to_disk(tmp_path / "pipeline")
    return str(tmp_path / "pipeline")


@pytest.fixture
def data(make_passage, tmp_path) -> str:
    passages = [make_passage(text, *marked(text).spans, label_set=LABELS) for text in FLAT]
    write_file(passages, tmp_path / "flat.spacy", spans_key="sc")
    return str(tmp_path / "flat.spacy")


def evaluate(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(gliner_cli, ["evaluate", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return " ".join(result.output.split())


def figures(path) -> dict:
    return json.loads(path.read_text(encoding="utf8"), parse_constant=pytest.fail)


def test_both_decoders_are_scored_alike(model, data, reader, tmp_path):
    results = {}
    for decoding in ("forced", "free"):
        path = tmp_path / f"{decoding}.json"
        output = evaluate(model, data, "--decoding", decoding, "--output", path, "--verbose")
        assert f"{decoding.capitalize()} decoding" in output
        results[decoding] = figures(path)
        assert results[decoding]["decoding"] == decoding
        assert results[decoding]["threshold"] is None
    assert results["forced"]["average_f1"] == 100.0
    assert results["forced"]["sets"] == results["free"]["sets"]
    asked = {decoding.decoding for _, decoding in reader.calls}
    assert asked == {"forced", "free"}
    assert all(s.labels == tuple(LABELS) for call, _ in reader.calls for s in call)


def test_without_the_option_the_component_decodes_as_it_is_set(model, data, tmp_path):
    """With a real model."""
    evaluate(model, data, "--output", tmp_path / "m.json")
    assert figures(tmp_path / "m.json")["decoding"] == "forced"


def test_the_decoder_is_said_in_reports(model, data, reader, tmp_path):
    evaluate(model, data, "--decoding", "free", "--output", tmp_path / "m.json")
    result = CliRunner().invoke(gliner_cli, ["report", f"tiny={tmp_path / 'm.json'}"])
    assert "tiny: free decoding, asked for types in lower case." in result.output


@pytest.mark.parametrize("option", [["--threshold", "0.5"], ["--thresholds", "0.3,0.5"]])
def test_there_is_no_threshold(model, data, option):
    output = evaluate(model, data, *option, exit_code=1)
    assert "[G310]" in output and "'outside_bias'" in output


def test_other_components_have_no_decoding(make_random, data, tmp_path):
    make_random().to_disk(tmp_path / "gliner")
    output = evaluate(tmp_path / "gliner", data, "--decoding", "free", exit_code=1)
    assert "[G311]" in output and "'gliner'" in output


def test_free_decoding_has_no_bias(make_gner, data, tmp_path):
    make_gner(outside_bias=0.5).to_disk(tmp_path / "biased")
    output = evaluate(tmp_path / "biased", data, "--decoding", "free", exit_code=1)
    assert "[G531]" in output


def test_the_component_is_found_by_its_factory(make_gner):
    nlp = make_gner()
    assert find_component(nlp) == "gner"
    with pytest.raises(ValueError, match=r"\[G303\].*the factory 'gliner' made \[\]"):
        find_component(nlp, factories=("gliner",))
    nlp.add_pipe("gliner")
    with pytest.raises(ValueError, match=r"\[G303\].*'gliner' or 'gner' made \['gner', 'gliner'\]"):
        find_component(nlp)


def test_a_generative_model_is_no_checkpoint_to_export(model, tmp_path):
    arguments = ["export", model, str(tmp_path / "out"), "--pipe", "gner"]
    result = CliRunner().invoke(gliner_cli, arguments)
    assert result.exit_code == 1
    assert "[G109]" in result.output
