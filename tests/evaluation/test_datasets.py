import pytest
from spacy.vocab import Vocab

from spacy_gliner.corpus.shards import write_file
from spacy_gliner.evaluation.datasets import read_datasets, split_name


@pytest.fixture
def write(tmp_path):
    def write(path, *passages):
        write_file(passages, tmp_path / path, spans_key="sc")
        return str(tmp_path / path)

    return write


@pytest.fixture
def closed(make_passage):
    return make_passage("Ada came", (0, 1, "person"), label_set=("person",), source="here")


@pytest.fixture
def opened(make_passage):
    return make_passage("Ada left", (0, 1, "person"), absent=("city",))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("mit_movie.spacy", "mit_movie"),
        ("mit_movie/test.spacy", "mit_movie-test"),
        ("written/dev.spacy", "written-dev"),
        ("corpus/crossner_ai-test-00001.spacy", "crossner_ai-test"),
    ],
)
def test_a_file_is_named_as_convert_named_it(write, closed, path, name):
    assert read_datasets([write(path, closed)], Vocab()) == {name: [closed]}


def test_a_folder_is_one_data_set_named_after_it(tmp_path, write, closed, opened):
    write("v1.5/b.spacy", closed)
    write("v1.5/a.spacy", closed, closed)
    (tmp_path / "v1.5" / "notes.txt").write_text("not data")
    assert read_datasets([str(tmp_path / "v1.5")], Vocab()) == {"v1.5": [closed] * 3}


def test_a_name_can_be_given(write, closed):
    datasets = read_datasets([f"mine={write('test.spacy', closed)}"], Vocab())
    assert list(datasets) == ["mine"]


def test_an_existing_path_may_contain_an_equals_sign(write, closed):
    path = write("a=b.spacy", closed)
    assert split_name(path)[0] == ""
    assert list(read_datasets([path], Vocab())) == ["a=b"]


def test_closed_and_open_passages_of_one_set_are_told_apart(write, closed, opened):
    datasets = read_datasets([write("x.spacy", opened, closed, opened)], Vocab())
    assert datasets == {"x (closed)": [closed], "x (open)": [opened, opened]}


def test_the_limit_holds_for_each_argument(write, closed, opened):
    arguments = [write("x.spacy", closed, opened, closed), write("y.spacy", closed, closed)]
    datasets = read_datasets(arguments, Vocab(), limit=1)
    assert datasets == {"x": [closed], "y": [closed]}


def test_passages_of_which_too_little_is_known_are_warned_about(write, make_passage, opened):
    path = write("x.spacy", opened, make_passage("Ada came", (0, 1, "person")))
    with pytest.warns(UserWarning, match=r"G340.*1 of 2 passages .*'x'"):
        read_datasets([path], Vocab())


@pytest.mark.parametrize("path", ["nothing.spacy", "empty", "notes.txt"])
def test_a_path_without_data_is_an_error_that_names_it(tmp_path, path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("no data")
    with pytest.raises(ValueError, match=rf"G300.*{path}"):
        read_datasets([str(tmp_path / path)], Vocab())


def test_a_file_without_passages_is_an_error(write):
    with pytest.raises(ValueError, match=r"G301.*x\.spacy"):
        read_datasets([write("x.spacy")], Vocab())


def test_two_sets_of_one_name_are_an_error(write, closed):
    path = write("x.spacy", closed)
    with pytest.raises(ValueError, match=r"G302.*'x'"):
        read_datasets([path, path], Vocab())
