from spacy_gliner.evaluation.results import evaluation
from spacy_gliner.evaluation.tables import (
    MAX_TYPES,
    mistakes_table,
    results_table,
    sweep_table,
    table,
    types_table,
)

SETTINGS = {"model": "m", "limit": None, "drop_labels": [], "lower_labels": True}


def cells(markdown: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in markdown.splitlines()]


def test_numbers_stand_to_the_right_with_one_decimal():
    assert table(["a", "b", "c"], [["x|y", 3, 2.25], ["z", None, 10.0]]) == (
        "| a | b | c |\n| --- | ---: | ---: |\n| x\\|y | 3 | 2.2 |\n| z | - | 10.0 |"
    )


def test_results_have_a_row_a_set_and_the_average(make_answer):
    right = make_answer("Ada", [(0, 1, "x")], [(0, 1, "x")])
    half = make_answer("Ada b", [(0, 1, "x"), (1, 2, "x")], [(0, 1, "x"), (1, 2, "y")])
    result = evaluation({"one": [right, right], "two": [half]}, SETTINGS, 0.5)
    assert cells(results_table(result))[2:] == [
        ["one", "2", "100.0", "100.0", "100.0", "100.0"],
        ["two", "1", "50.0", "50.0", "50.0", "50.0"],
        ["**average**", "-", "-", "-", "75.0", "75.0"],
    ]


def test_a_sweep_has_a_row_a_threshold(make_answer):
    right = make_answer("Ada", [(0, 1, "x")], [(0, 1, "x")])
    nothing = make_answer("Ada", [(0, 1, "x")], [])
    results = [
        evaluation({"one": [right], "two": [right]}, SETTINGS, 0.25),
        evaluation({"one": [right], "two": [nothing]}, SETTINGS, 0.5),
    ]
    assert cells(sweep_table(results)) == [
        ["threshold", "one", "two", "average"],
        ["---", "---:", "---:", "---:"],
        ["0.25", "100.0", "100.0", "100.0"],
        ["0.5", "100.0", "0.0", "50.0"],
    ]


def test_many_types_are_cut_and_it_is_said(make_answer):
    gold = [(0, 1, f"t{n:03}") for n in range(MAX_TYPES + 5)]
    result = evaluation({"one": [make_answer("Ada", gold, [])]}, SETTINGS, 0.5)
    rows = cells(types_table(result["sets"]["one"]))[2:]
    assert len(rows) == MAX_TYPES + 1
    assert rows[0] == ["t000", "0.0", "0.0", "0.0", "1", "0"]
    assert rows[-1][0] == "(5 more)"


def test_mistakes_have_a_row_for_what_was_predicted_and_one_for_the_gold(make_answer):
    gold = [(0, 1, "x"), (1, 2, "x"), (2, 4, "x"), (4, 5, "x")]
    predicted = [(0, 1, "x"), (1, 2, "y"), (2, 3, "x"), (5, 6, "x")]
    result = evaluation({"one": [make_answer("a b c d e f", gold, predicted)]}, SETTINGS, 0.5)
    assert cells(mistakes_table(result))[2:] == [
        ["one", "predicted", "1", "1", "1", "1", "-"],
        ["one", "gold", "1", "1", "1", "-", "1"],
    ]
