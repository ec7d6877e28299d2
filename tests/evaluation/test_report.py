import json
from pathlib import Path

import pytest

from spacy_gliner.evaluation.published import PUBLISHED, SEVEN_SETS
from spacy_gliner.evaluation.report import (
    END,
    START,
    collate,
    read_evaluation,
    render,
    replace_section,
)
from spacy_gliner.evaluation.results import evaluation

README = Path("README.md")


@pytest.fixture
def make_evaluation(make_answer):
    """A model that finds all in the sets given, and nothing in the last of them."""

    def make(*names: str, limit: int | None = None):
        right = make_answer("Ada", [(0, 1, "x")], [(0, 1, "x")])
        wrong = make_answer("Ada", [(0, 1, "x")], [])
        answers = {name: [right] for name in names[:-1]} | {names[-1]: [wrong]}
        settings = {"model": "m", "limit": limit, "drop_labels": [], "lower_labels": True}
        return evaluation(answers, settings, 0.5)

    return make


def test_our_rows_come_first_of_each_metric(make_evaluation):
    rows = collate({"tiny": make_evaluation(*SEVEN_SETS)})
    exact = [row.name for row in rows if not row.text_metric]
    assert exact == ["tiny", *(p.name for p in PUBLISHED if not p.text_metric)]
    assert [row.name for row in rows[len(exact) :]] == [
        "tiny",
        *(p.name for p in PUBLISHED if p.text_metric),
    ]
    assert rows[0].f1 == (100.0,) * 6 + (0.0,)
    assert rows[0].average == pytest.approx(600 / 7)


def test_sets_are_placed_by_name_in_any_order(make_evaluation):
    row = collate({"tiny": make_evaluation("crossner_ai-test", "mit_movie")})[0]
    assert row.f1 == (0.0, None, 100.0, None, None, None, None)
    assert row.average is None


def test_other_splits_and_sets_stand_in_a_table_of_their_own(make_evaluation):
    result = make_evaluation("crossner_ai-dev", "dev (open)", "crossner_ai")
    seven, _, _, others = render({"tiny": result}).split("\n\n")
    assert "| **tiny** | - | - | 0.0 | - | - | - | - | - |" in seven
    assert others.splitlines()[2:] == [
        "| tiny | crossner_ai-dev | 1 | 100.0 | 100.0 | 100.0 | 100.0 |",
        "| tiny | dev (open) | 1 | 100.0 | 100.0 | 100.0 | 100.0 |",
    ]


def test_the_settings_of_our_models_are_said(make_evaluation):
    result = make_evaluation("mit_movie")
    other = {**result, "threshold": 0.3, "drop_labels": ["misc", "else"], "lower_labels": False}
    assert render({"tiny": result, "big": other}).split("\n\n")[2].splitlines() == [
        "- tiny: threshold 0.5, asked for types in lower case.",
        "- big: threshold 0.3, asked for types as they are written, without misc, else.",
    ]


def test_the_looser_metric_is_marked(make_evaluation):
    text = render({"tiny": make_evaluation(*SEVEN_SETS)})
    assert "| **tiny** † |" in text
    assert "| GNER-T5-base (248M) † |" in text
    assert "| GLiNER-L (300M) | 57.2 |" in text


def test_a_part_of_the_data_is_marked(make_evaluation):
    assert collate({"tiny": make_evaluation("mit_movie", limit=150)})[0].name == (
        "tiny (first 150 passages)"
    )


def test_the_section_is_replaced_and_the_rest_stays():
    text = f"# Title\n\n{START}\nold\n{END}\n\nEnd.\n"
    once = replace_section(text, "new", source=README)
    assert once == f"# Title\n\n{START}\n\nnew\n\n{END}\n\nEnd.\n"
    assert replace_section(once, "new", source=README) == once


@pytest.mark.parametrize(
    "text",
    ["", START, END, f"{END}{START}", f"{START}{END}{START}{END}", f"{START}{START}{END}"],
)
def test_a_readme_needs_each_marker_once_and_in_order(text):
    with pytest.raises(ValueError, match=r"G307.*README\.md.*results:start"):
        replace_section(text, "new", source=README)


def test_a_written_evaluation_is_read_back(tmp_path, make_evaluation):
    result = make_evaluation("mit_movie")
    (tmp_path / "m.json").write_text(json.dumps(result), encoding="utf8")
    assert read_evaluation(tmp_path / "m.json") == result


@pytest.mark.parametrize("content", [None, "", "[]", '{"model": "m"}'])
def test_other_files_are_no_evaluations(tmp_path, content):
    path = tmp_path / "m.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"G306.*m\.json"):
        read_evaluation(path)
