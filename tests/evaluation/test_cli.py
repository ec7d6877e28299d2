import json

import pytest
from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli
from spacy_gliner.corpus.shards import write_file
from spacy_gliner.evaluation.published import SEVEN_SETS
from spacy_gliner.evaluation.report import END, START

LABELS = ("Person", "City", "River", "hotel")


@pytest.fixture
def model(tmp_path, make_nlp):
    make_nlp().to_disk(tmp_path / "model")
    return str(tmp_path / "model")


@pytest.fixture
def places(tmp_path, make_passage):
    """At 0.5, the lexicon finds Ada, Paris (twice), Lyon as a person, and Rhine Valley."""
    passages = [
        make_passage("Ada left Paris", (0, 1, "Person"), (2, 3, "City"), label_set=LABELS),
        make_passage("see Lyon and the Paris", (1, 2, "City"), (3, 5, "hotel"), label_set=LABELS),
        make_passage("the Rhine Valley", (1, 2, "River"), label_set=LABELS),
    ]
    write_file(passages, tmp_path / "places.spacy", spans_key="sc")
    return str(tmp_path / "places.spacy")


@pytest.fixture
def evaluate(code):
    def evaluate(*arguments: object, exit_code: int = 0) -> str:
        command = ["evaluate", *map(str, arguments), "--code", code, "--pipe", "fake_gliner"]
        result = CliRunner().invoke(gliner_cli, command)
        assert result.exit_code == exit_code, result.output
        return result.output

    return evaluate


def report(*arguments: object, exit_code: int = 0) -> str:
    result = CliRunner().invoke(gliner_cli, ["report", *map(str, arguments)])
    assert result.exit_code == exit_code, result.output
    return " ".join(result.output.split())


def test_evaluate_writes_figures_and_table(tmp_path, evaluate, model, places):
    metrics, table = tmp_path / "m.json", tmp_path / "t.md"
    output = evaluate(model, places, "--output", metrics, "--markdown", table)
    figures = json.loads(metrics.read_text(encoding="utf8"))
    assert figures["model"] == model
    assert figures["threshold"] == 0.5
    scores = figures["sets"]["places"]
    # Right: Ada, the first Paris. Wrong: Lyon's type, the hotel's Paris, the Valley.
    assert (scores["tp"], scores["fp"], scores["fn"]) == (2, 3, 3)
    assert (scores["p"], scores["r"], scores["f1"]) == (40.0, 40.0, 40.0)
    assert scores["errors"]["fp"] == {"wrong_type": 1, "wrong_boundaries": 1, "spurious": 1}
    assert figures["average_f1"] == 40.0
    row = "| places | 3 | 40.0 | 40.0 | 40.0 | 40.0 |"
    assert row in output
    assert row in table.read_text(encoding="utf8")


def test_a_sweep_equals_single_runs_at_each_threshold(tmp_path, evaluate, model, places):
    evaluate(model, places, "--thresholds", "0.65,0.35,0.5", "--output", tmp_path / "all.json")
    sweep = json.loads((tmp_path / "all.json").read_text(encoding="utf8"))
    assert [result["threshold"] for result in sweep] == [0.35, 0.5, 0.65]
    for result in sweep:
        evaluate(
            model, places, "--threshold", result["threshold"], "--output", tmp_path / "one.json"
        )
        assert json.loads((tmp_path / "one.json").read_text(encoding="utf8")) == result
    assert len({result["average_f1"] for result in sweep}) > 1


def test_a_sweep_prints_a_row_a_threshold(evaluate, model, places):
    output = evaluate(model, places, "--thresholds", "0.5,0.95")
    assert "| 0.5 | 40.0 | 40.0 |\n| 0.95 | 0.0 | 0.0 |" in output


def test_labels_can_be_dropped_and_passages_limited(tmp_path, evaluate, model, places):
    options = ["--drop-labels", "person, HOTEL", "--limit", 2, "--output", tmp_path / "m.json"]
    evaluate(model, places, *options)
    figures = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
    assert figures["drop_labels"] == ["person", "HOTEL"]
    assert figures["limit"] == 2
    scores = figures["sets"]["places"]
    assert (scores["passages"], scores["left_out"]) == (2, 2)
    assert (scores["tp"], scores["fp"], scores["fn"]) == (1, 1, 1)


def test_labels_are_asked_as_they_are_on_request(tmp_path, evaluate, model, places):
    evaluate(model, places, "--keep-labels", "--output", tmp_path / "m.json")
    figures = json.loads((tmp_path / "m.json").read_text(encoding="utf8"))
    assert figures["lower_labels"] is False
    assert figures["sets"]["places"]["tp"] == 0  # the lexicon knows lower-case types only


def test_verbose_adds_types_and_mistakes(evaluate, model, places):
    output = evaluate(model, places, "--verbose")
    assert "| city | 50.0 | 50.0 | 50.0 | 2 | 2 |" in output
    assert "| places | predicted | 2 | 1 | 1 | 1 | - |" in output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--threshold", "1.5"], "[G304] 1.5 in --threshold"),
        (["--thresholds", "0.3,x"], "[G304] 'x' in --thresholds"),
        (["--thresholds", "0.3", "--threshold", "0.3"], "[G305]"),
    ],
)
def test_wrong_options_are_said_in_a_line(evaluate, model, places, options, message):
    assert message in evaluate(model, places, *options, exit_code=1)


def test_a_missing_model_is_said_in_a_line(evaluate, tmp_path, places):
    assert "[E050]" in evaluate(tmp_path / "nothing", places, exit_code=1)


def test_report_updates_the_readme_and_draws(tmp_path, evaluate, model, places):
    metrics, readme, plot = (tmp_path / name for name in ("m.json", "README.md", "p.png"))
    evaluate(model, *(f"{name}={places}" for name in SEVEN_SETS), "--output", metrics)
    readme.write_text(f"# Title\n\n{START}\n{END}\n\nEnd.\n", encoding="utf8")
    report(f"tiny={metrics}", "--readme", readme, "--plot", plot)
    first = readme.read_text(encoding="utf8")
    assert "| **tiny** |" + " 40.0 |" * 8 in first
    assert first.startswith("# Title\n") and first.endswith("End.\n")
    report(f"tiny={metrics}", "--readme", readme)
    assert readme.read_text(encoding="utf8") == first
    assert plot.stat().st_size > 1000


def test_report_names_models_and_refuses_two_of_one_name(tmp_path, evaluate, model, places):
    evaluate(model, places, "--output", tmp_path / "m.json")
    path = tmp_path / "m.json"
    assert f"**{model}**" in report(path)
    assert "**a**" in report(f"a={path}", f"b={path}")
    assert "[G309]" in report(path, path, exit_code=1)


def test_report_leaves_a_readme_without_markers_as_it_is(tmp_path, evaluate, model, places):
    evaluate(model, places, "--output", tmp_path / "m.json")
    readme = tmp_path / "README.md"
    readme.write_text("# Title\n")
    assert "[G307]" in report(tmp_path / "m.json", "--readme", readme, exit_code=1)
    assert readme.read_text() == "# Title\n"


def test_report_refuses_a_sweep(tmp_path, evaluate, model, places):
    evaluate(model, places, "--thresholds", "0.3,0.5", "--output", tmp_path / "m.json")
    assert "[G306]" in report(tmp_path / "m.json", exit_code=1)
