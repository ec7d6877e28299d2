import re

from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli
from spacy_gliner.cli.demo import EXAMPLES


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(gliner_cli, ["demo", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return result.output


def test_demo_prints_scores_and_draws_each_text(tmp_path, save_pipeline):
    # Random weights score about a half, so this low threshold lets plenty through.
    output = run("--model", save_pipeline(threshold=0.1), "--output", tmp_path / "new" / "demo")
    page = (tmp_path / "new" / "demo" / "index.html").read_text(encoding="utf8")
    parts = re.split(r"=+ (.+?) =+", output)[1:]
    drawings = page.split("<h2>")[1:]
    for example, title, text, drawing in zip(
        EXAMPLES, parts[::2], parts[1::2], drawings, strict=True
    ):
        assert example.title == title
        assert f"Asked for: {', '.join(example.labels)}" in text
        scores = [float(score) for score in re.findall(r" +(\d\.\d\d)$", text, re.MULTILINE)]
        assert scores and all(0.1 <= score <= 1 for score in scores)
        assert drawing.startswith(example.title)
        assert drawing.count("<mark") == (len(scores) if example.mode == "flat" else 0)
        assert ('class="spans"' in drawing) == (example.mode == "nested")


def test_demo_says_when_nothing_is_found(tmp_path, save_pipeline):
    output = run("--model", save_pipeline(threshold=0.999), "--output", tmp_path)
    assert output.count("Nothing found.") == len(EXAMPLES)


def test_demo_leaves_no_address_to_fetch_in_the_page(tmp_path, save_pipeline):
    run("--model", save_pipeline(threshold=0.1), "--output", tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf8")
    assert not re.search(r"https?://|src=|<link|<script", page)


def test_demo_uses_a_pipeline_with_its_own_labels_and_key(tmp_path, save_pipeline):
    config = {"labels": ["river"], "threshold": {"river": 0.9}, "spans_key": "mine"}
    assert "Saved" in run("--model", save_pipeline(**config), "--output", tmp_path)


def test_a_missing_model_is_said_in_a_line(tmp_path):
    assert "[E050]" in run("--model", tmp_path / "nothing", "--output", tmp_path, exit_code=1)
