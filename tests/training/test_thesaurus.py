import pytest

from spacy_gliner.training.thesaurus import GENERAL, Thesaurus

TEXT = "Poet\twriter; person\tbard;rhymester\nwriter\tperson\t\nriver\t\tstream\n"


@pytest.fixture
def thesaurus(tmp_path) -> Thesaurus:
    path = tmp_path / "thesaurus.tsv"
    path.write_text(TEXT, encoding="utf8")
    return Thesaurus.from_disk(path)


def test_lines_are_type_kinds_synonyms(thesaurus):
    assert thesaurus.broader("poet") == ("writer", "person")
    assert thesaurus.synonyms("poet") == ("bard", "rhymester")
    assert thesaurus.broader("river") == () == thesaurus.synonyms("writer")
    assert thesaurus.broader("never heard of") == () == thesaurus.synonyms("never heard of")


def test_letter_case_says_nothing(thesaurus):
    assert thesaurus.broader("POET") == thesaurus.broader("poet")
    assert thesaurus.is_broader("Person", "pOet")
    assert thesaurus.covers("WRITER", ["Poet"])
    assert thesaurus.may_hide("Stream", "RIVER")


def test_broader_has_a_direction(thesaurus):
    assert thesaurus.is_broader("person", "poet")
    assert not thesaurus.is_broader("poet", "person")
    assert not thesaurus.is_broader("poet", "poet")


def test_a_span_is_of_its_own_types_and_of_broader_kinds(thesaurus):
    assert thesaurus.covers("poet", ["poet"])
    assert thesaurus.covers("person", ["river", "poet"])
    assert not thesaurus.covers("poet", ["person"])
    assert not thesaurus.covers("person", [])


def test_narrower_kinds_and_synonyms_may_hide_behind_a_mark(thesaurus):
    assert thesaurus.may_hide("poet", "person")
    assert thesaurus.may_hide("bard", "poet")
    assert thesaurus.may_hide("poet", "bard")
    assert not thesaurus.may_hide("person", "poet")
    assert not thesaurus.may_hide("river", "poet")


def test_types_with_many_narrower_kinds_are_general():
    kinds = {f"kind {i}": ("thing", "object") for i in range(GENERAL - 1)}
    assert not Thesaurus(kinds).is_general("thing")
    assert Thesaurus({**kinds, "one more": ("Thing",)}).is_general("thing")
    assert not Thesaurus({**kinds, "one more": ("Thing",)}).is_general("object")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"\[G402\].*training\.thesaurus") as error:
        Thesaurus.from_disk(tmp_path / "none.tsv")
    assert str(tmp_path / "none.tsv") in str(error.value)


@pytest.mark.parametrize("line", ["poet\twriter", "poet", "", "\twriter\tbard", "a\tb\tc\td"])
def test_a_line_of_another_form_is_named(tmp_path, line):
    path = tmp_path / "thesaurus.tsv"
    path.write_text(f"writer\tperson\t\n{line}\n")
    with pytest.raises(ValueError, match=r"\[G403\] Line 2 ") as error:
        Thesaurus.from_disk(path)
    assert str(path) in str(error.value)
