import spacy
from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli

TEXT = "Berta Lund moved to Oslo in May ."


def run(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(gliner_cli, ["import", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return " ".join(result.output.split())


def test_an_imported_checkpoint_is_a_pipeline_that_needs_it_no_more(learned_folder, tmp_path):
    options = ["--labels", "person, city", "--threshold", "0.4", "--words", "regex"]
    run(learned_folder, tmp_path / "pipeline", *options)
    config = (tmp_path / "pipeline" / "config.cfg").read_text()
    (tmp_path / "pipeline" / "config.cfg").write_text(config.replace(str(learned_folder), "gone"))
    nlp = spacy.load(tmp_path / "pipeline")
    component = nlp.get_pipe("gliner")
    assert (component.labels, component.threshold) == (("person", "city"), 0.4)
    assert component.words == "regex"
    found = [(ent.text, ent.label_) for ent in nlp(TEXT).ents]
    assert found == [("Berta Lund", "person"), ("Oslo", "city")]


def test_what_is_exported_can_be_imported(learned_folder, tmp_path):
    run(learned_folder, tmp_path / "pipeline", "--labels", "person,city", "--mode", "nested")
    result = CliRunner().invoke(
        gliner_cli, ["export", str(tmp_path / "pipeline"), str(tmp_path / "model")]
    )
    assert result.exit_code == 0, result.output
    run(tmp_path / "model", tmp_path / "again", "--labels", "person,city", "--mode", "nested")
    first, second = (
        [(span.start, span.end, span.label_, span._.score) for span in doc.spans["sc"]]
        for doc in (spacy.load(tmp_path / name)(TEXT) for name in ("pipeline", "again"))
    )
    assert first and first == second


def test_what_cannot_work_is_said(learned_folder, tmp_path):
    out = tmp_path / "pipeline"
    assert "[G110]" in run(tmp_path / "none", out, exit_code=1)
    assert "[G012]" in run(learned_folder, out, "--threshold", "7", exit_code=1)
    assert "[G001]" in run(learned_folder, out, "--mode", "deep", exit_code=1)
    assert "klingon" in run(learned_folder, out, "--lang", "klingon", exit_code=1)
