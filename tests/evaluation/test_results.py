import json

from spacy_gliner.evaluation.results import evaluation, set_scores

SETTINGS = {"model": "m", "limit": None, "drop_labels": [], "lower_labels": True}


def test_figures_of_a_set_are_percent_with_two_decimals(make_answer):
    gold = [(0, 1, "person"), (2, 3, "city"), (4, 5, "city")]
    predicted = [(0, 1, "person"), (2, 3, "river")]
    scores = set_scores([make_answer("Ada left Paris for Paris", gold, predicted)])
    assert (scores["tp"], scores["fp"], scores["fn"]) == (1, 1, 2)
    assert (scores["p"], scores["r"], scores["f1"]) == (50.0, 33.33, 40.0)
    assert (scores["text_p"], scores["text_r"], scores["text_f1"]) == (50.0, 50.0, 50.0)
    assert scores["passages"] == 1
    assert scores["errors"]["fp"]["wrong_type"] == 1
    assert scores["errors"]["fn"] == {"wrong_type": 1, "wrong_boundaries": 0, "missed": 1}
    assert list(scores["types"].items()) == [
        ("city", {"p": 0.0, "r": 0.0, "f1": 0.0, "support": 2, "predicted": 0}),
        ("person", {"p": 100.0, "r": 100.0, "f1": 100.0, "support": 1, "predicted": 1}),
        ("river", {"p": 0.0, "r": 0.0, "f1": 0.0, "support": 0, "predicted": 1}),
    ]


def test_nothing_found_and_nothing_to_find_scores_zero(make_answer):
    scores = set_scores([make_answer("Ada", [], [])])
    assert (scores["p"], scores["r"], scores["f1"], scores["types"]) == (0.0, 0.0, 0.0, {})


def test_the_average_is_over_sets_whatever_their_size(make_answer):
    right = make_answer("Ada", [(0, 1, "x")], [(0, 1, "x")])
    wrong = make_answer("Ada", [(0, 1, "x")], [(0, 1, "y")])
    result = evaluation({"big": [right] * 9, "small": [wrong]}, SETTINGS, 0.5)
    assert result["average_f1"] == result["average_text_f1"] == 50.0
    assert [scores["f1"] for scores in result["sets"].values()] == [100.0, 0.0]


def test_an_evaluation_is_json(make_answer):
    result = evaluation({"a": [make_answer("Ada", [(0, 1, "x")], [])]}, SETTINGS, {"x": 0.4})
    assert json.loads(json.dumps(result)) == result
    assert result["model"] == "m"
    assert result["threshold"] == {"x": 0.4}
