import pytest
from thinc.api import Config

from spacy_gliner.pipeline.labels import DEFAULT_THRESHOLD, LabelSet, check_config_keys


def test_a_list_names_what_the_model_reads():
    label_set = LabelSet.create(["person", "Ort"])
    assert label_set == LabelSet(("person", "Ort"), ("person", "Ort"), (DEFAULT_THRESHOLD,) * 2)


def test_a_mapping_gives_each_name_its_own_text():
    label_set = LabelSet.create({"PER": "person", "GPE": "country, city or state"}, 0.3)
    assert label_set.names == ("PER", "GPE")
    assert label_set.prompts == ("person", "country, city or state")
    assert label_set.thresholds == (0.3, 0.3)


def test_a_tuple_is_a_list_and_order_is_kept():
    assert LabelSet.create(("b", "a")).names == ("b", "a")


@pytest.mark.parametrize("labels", [[], (), {}])
def test_no_labels_are_an_empty_set(labels):
    label_set = LabelSet.create(labels)
    assert (len(label_set), label_set) == (0, LabelSet((), (), ()))


def test_white_space_is_normalised_in_prompts_only():
    label_set = LabelSet.create(["work  of\u00a0 art ", "city"])
    assert label_set.prompts == ("work of art", "city")
    assert label_set.names == ("work  of\u00a0 art ", "city")


def test_a_mapping_of_thresholds_leaves_the_others_at_one_half():
    label_set = LabelSet.create(["a", "b", "c"], {"c": 0.9, "a": 0.1})
    assert label_set.thresholds == (0.1, DEFAULT_THRESHOLD, 0.9)


def test_thresholds_belong_to_names_not_to_prompts():
    assert LabelSet.create({"PER": "person"}, {"PER": 0.2}).thresholds == (0.2,)
    with pytest.raises(ValueError, match=r"\[G010\].*'person'.*known: 'PER'"):
        LabelSet.create({"PER": "person"}, {"person": 0.2})


@pytest.mark.parametrize(
    "labels,message",
    [
        ("person", r"\[G002\].*'person'.*Did you mean \['person'\]\?"),
        (None, r"\[G003\] .*'labels'.*NoneType"),
        ({"a", "b"}, r"\[G003\] .*of type set"),
        (7, r"\[G003\] .*of type int: 7"),
        (["a", 3], r"\[G004\] .*'labels'.*of type int.*: 3"),
        ({3: "a"}, r"\[G004\] .*: 3"),
        ({"a": None}, r"\[G004\] .*NoneType"),
        ({"a": ["b"]}, r"\[G004\] .*of type list"),
        (["a", ""], r"\[G005\] .*''"),
        (["a", " \n"], r"\[G005\]"),
        ({"a": " "}, r"\[G005\] .*' '"),
        ({"": "a"}, r"\[G005\]"),
        (["a", "x ${y}"], r"\[G006\] .*'x \$\{y\}'.*contains '\$\{'"),
        ({"a": "${"}, r"\[G006\]"),
        ({"${": "a"}, r"\[G006\]"),
        (["a", "b", "a"], r"\[G008\] .*'a' is in 'labels' more than once"),
        ({"P": "person", "Q": " person"}, r"\[G009\] .*'P' and 'Q' in 'labels' are both 'person'"),
        (["big city", "big  city"], r"\[G009\]"),
    ],
)
def test_bad_labels(labels, message):
    with pytest.raises(ValueError, match=message):
        LabelSet.create(labels)


@pytest.mark.parametrize(
    "threshold,message",
    [
        (0, r"\[G012\] .*'threshold' is 0.0"),
        (1, r"\[G012\]"),
        (-0.1, r"\[G012\]"),
        (float("nan"), r"\[G012\] .*nan"),
        (True, r"\[G011\] .*'threshold'.*bool"),
        ("0.5", r"\[G011\] .*of type str"),
        (None, r"\[G011\]"),
        ({"a": 1.5}, r"\[G012\] .*threshold\['a'\]' is 1.5"),
        ({"a": False}, r"\[G011\] .*threshold\['a'\]'.*bool"),
        ({"z": 0.5}, r"\[G010\] .*'z'.*not a label in 'labels' \(known: 'a'\)"),
    ],
)
def test_bad_thresholds(threshold, message):
    with pytest.raises(ValueError, match=message):
        LabelSet.create(["a"], threshold)


def test_messages_name_the_setting_that_the_labels_came_from():
    with pytest.raises(ValueError, match=r"\[G005\].*'doc\._\.gliner_labels'"):
        LabelSet.create([""], setting="doc._.gliner_labels")


@pytest.mark.parametrize("key", ["a:b", "a=b", "[a]", "#a", ";a", " a", "a ", "a\nb"])
def test_refused_keys_are_those_that_a_config_garbles(key):
    with pytest.raises(ValueError, match=r"\[G007\] .* in 'labels' cannot be the key"):
        check_config_keys("labels", {"b": "y", key: "x"})
    try:
        read = Config().from_str(Config({"gliner": {"labels": {key: "x"}}}).to_str())
    except ValueError:
        return
    assert read["gliner"]["labels"] != {key: "x"}


@pytest.mark.parametrize(
    "value",
    [
        ["a:b", "#1", " x", "50%", 'it\'s "quoted"', "a\nb", "$", "人名"],
        {"a.b": "x: y", "A b": "# z", "a": "[w]", "人名": "名前", "p%": "$"},
        {"a/b": 0.5, "c": 0.25},
        0.5,
    ],
)
def test_accepted_values_survive_a_config(value):
    check_config_keys("labels", value)
    read = Config().from_str(Config({"gliner": {"labels": value}}).to_str())
    assert read["gliner"]["labels"] == value


def test_labels_set_later_are_free():
    assert LabelSet.create({"a:b": "x"}, {"a:b": 0.25}).thresholds == (0.25,)
