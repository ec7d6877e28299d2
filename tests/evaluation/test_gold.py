import pytest

from spacy_gliner.evaluation.gold import asked_labels, gold_mentions, question


def test_a_closed_passage_is_asked_for_its_whole_set_in_order(make_passage):
    passage = make_passage("Ada came", (0, 1, "person"), label_set=("town", "person", "person"))
    assert asked_labels(passage) == ("town", "person")


def test_an_open_passage_is_asked_for_marked_and_absent_types_alike(make_passage):
    passage = make_passage(
        "Ada came", (0, 1, "writer"), (0, 1, "person"), absent=("river", "zoo", "city")
    )
    assert asked_labels(passage) == ("city", "person", "river", "writer", "zoo")


def test_a_passage_without_annotation_is_asked_for_nothing(make_passage):
    assert asked_labels(make_passage("Ada came")) == ()


def test_gold_is_limited_to_the_types_given_in_any_case(make_passage):
    passage = make_passage("Ada left Paris", (0, 1, "Person"), (2, 3, "City"))
    assert gold_mentions(passage, ["PERSON"]) == {(0, 1, "person")}


@pytest.mark.parametrize(
    ("lower", "labels"), [(True, ("city", "person")), (False, ("City", "person"))]
)
def test_labels_are_asked_in_lower_case_or_as_given(make_passage, lower, labels):
    passage = make_passage("Ada left Paris", (2, 3, "City"), label_set=("City", "person"))
    asked = question(passage, lower_labels=lower)
    assert asked.labels == labels
    assert asked.gold == {(2, 3, "city")}


@pytest.mark.parametrize("lower", [True, False])
def test_types_that_differ_in_case_only_are_asked_once(make_passage, lower):
    passage = make_passage("Ada came", (0, 1, "person"), label_set=("Person", "person", "city"))
    assert len(question(passage, lower_labels=lower).labels) == 2


def test_dropped_types_are_not_asked_and_their_gold_is_counted(make_passage):
    passage = make_passage(
        "Ada left Paris",
        (0, 1, "person"),
        (2, 3, "MISC"),
        (0, 3, "misc"),
        label_set=("person", "Misc"),
    )
    asked = question(passage, drop_labels=["mIsc"])
    assert asked.labels == ("person",)
    assert asked.gold == {(0, 1, "person")}
    assert asked.left_out == 2


def test_gold_outside_a_closed_set_is_left_out_and_counted(make_passage):
    passage = make_passage("Ada left Paris", (2, 3, "city"), label_set=("person",))
    asked = question(passage)
    assert asked.gold == frozenset()
    assert asked.left_out == 1
