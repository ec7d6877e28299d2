from dataclasses import fields

import pytest

from spacy_gliner.training.settings import GNERTrainingSettings, TrainingSettings

SHARES = ["type_dropout", "special_type_wins", "widening", "renaming", "capitals", "lower_case"]
SIZES = ["max_types", "row_words", "max_pieces"]


def test_defaults_and_given_settings():
    assert TrainingSettings.create({}) == TrainingSettings()
    assert TrainingSettings.create({"max_types": 3}) == TrainingSettings(max_types=3)


def test_an_unknown_setting_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"\[G404\].*training\.max_type'") as error:
        TrainingSettings.create({"max_type": 3})
    assert all(field.name in str(error.value) for field in fields(TrainingSettings))


@pytest.mark.parametrize(
    "name, value",
    [(name, value) for name in SHARES for value in (-0.1, 1.1)]
    + [(name, value) for name in SIZES for value in (0, -1)]
    + [("negative_ratio", 1.0), ("negative_ratio", -0.5), ("precision", "float16")],
)
def test_a_value_out_of_range_is_named(name, value):
    with pytest.raises(ValueError, match=rf"\[G405\].*'training\.{name}' is {value!r}"):
        TrainingSettings.create({name: value})


@pytest.mark.parametrize(
    "name, value", [(s, v) for s in SHARES for v in (0, 1)] + [("negative_ratio", 0)]
)
def test_the_ends_of_a_range_belong_to_it(name, value):
    assert getattr(TrainingSettings.create({name: value}), name) == value


@pytest.mark.parametrize(
    "name, value, kind",
    [
        ("max_types", "25", "a whole number"),
        ("max_types", 2.5, "a whole number"),
        ("type_dropout", "0.3", "a number"),
        ("type_dropout", None, "a number"),
        ("special_type_wins", True, "a number"),
        ("head_rate", [3.0], "a number"),
        ("thesaurus", 3, "a string or null"),
        ("precision", None, "a string"),
    ],
)
def test_a_value_of_another_type_is_named(name, value, kind):
    with pytest.raises(ValueError, match=rf"\[G405\].*'training\.{name}' is .*must be {kind}"):
        TrainingSettings.create({name: value})


def test_each_component_has_settings_of_its_own():
    assert GNERTrainingSettings.create({"loss": "tags", "max_types": 3}).loss == "tags"
    for kind, name in ((GNERTrainingSettings, "head_rate"), (TrainingSettings, "loss")):
        with pytest.raises(ValueError, match=rf"\[G404\].*'training\.{name}'"):
            kind.create({name: 1})


@pytest.mark.parametrize(
    ("name", "value", "demand"),
    [
        ("loss", "words", "'target' or 'tags'"),
        ("loss", None, "a string"),
        ("widening", 2.0, "a share"),
    ],
)
def test_a_wrong_value_for_gner_is_named(name, value, demand):
    with pytest.raises(ValueError, match=rf"\[G405\].*'training\.{name}' is .*must be {demand}"):
        GNERTrainingSettings.create({name: value})
