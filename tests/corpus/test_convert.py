"""Conversion end to end: files in, DocBins out; and the command line."""

import json
from pathlib import Path

import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin
from spacy.vocab import Vocab
from typer.testing import CliRunner

from spacy_gliner.cli import gliner_cli
from spacy_gliner.corpus.convert import convert, shard_name
from spacy_gliner.corpus.passage import Passage, from_doc, to_doc

DATA = Path(__file__).parents[3] / "shared" / "data"


def write_gliner(path, count=1, **keys):
    record = {"tokenized_text": ["Ann", "Lee"], "ner": [[0, 1, "person"], [0, 0, "name"]], **keys}
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for _ in range(count)))
    return path


def load(path, spans_key="sc"):
    return [from_doc(doc, spans_key) for doc in DocBin().from_disk(path).get_docs(Vocab())]


def run(*args):
    # A wide terminal, so that messages are not broken in the middle of a word.
    result = CliRunner().invoke(
        gliner_cli,
        ["convert", *map(str, args)],
        env={"COLUMNS": "500", "ANSI_COLORS_DISABLED": "1"},
    )
    return result.exit_code, result.output


@st.composite
def passages(draw):
    words = draw(st.lists(st.text(min_size=1), min_size=1, max_size=6))
    ends = st.integers(0, len(words) - 1)
    types = st.text(min_size=1, max_size=5)
    spans = draw(st.lists(st.tuples(ends, ends, types), max_size=4, unique=True))
    return Passage(
        words=tuple(words),
        spaces=tuple(draw(st.booleans()) for _ in words),
        spans=tuple((min(a, b), max(a, b) + 1, label) for a, b, label in spans),
        absent=tuple(draw(st.lists(types, max_size=2))),
        label_set=tuple(draw(st.lists(types, max_size=2))),
        source=draw(st.text(max_size=5)),
    )


@given(st.lists(passages(), max_size=3))
def test_passages_survive_a_docbin(originals):
    vocab = Vocab()
    docs = DocBin(attrs=["ORTH", "SPACY"])
    for passage in originals:
        docs.add(to_doc(passage, vocab))
    read = DocBin().from_bytes(docs.to_bytes()).get_docs(Vocab())
    assert [from_doc(doc) for doc in read] == originals


def test_from_doc_reads_entities_where_there_are_no_spans():
    doc = spacy.blank("en")("Ann Lee sings")
    doc.ents = [doc.char_span(0, 7, label="person")]
    assert from_doc(doc).spans == ((0, 2, "person"),)
    assert from_doc(doc, "other").label_set == ()


def test_shards_are_bounded_and_replaced(tmp_path):
    path = write_gliner(tmp_path / "in.jsonl", 5)
    out = tmp_path / "out"
    report = convert([path], out, shard_size=2)
    assert (report.passages, report.words, report.spans) == (5, 10, 10)
    assert report.types == {"person": 5, "name": 5}
    shards = sorted(out.iterdir())
    assert [p.name for p in shards] == [f"in-0000{i}.spacy" for i in (1, 2, 3)]
    assert [len(load(p)) for p in shards] == [2, 2, 1]
    (out / "in-house.spacy").touch()
    convert([path], out, shard_size=4, limit=3)
    assert sorted(p.name for p in out.iterdir()) == ["in-00001.spacy", "in-house.spacy"]
    assert len(load(out / "in-00001.spacy")) == 3


def test_one_file_holds_all_inputs_in_order(tmp_path):
    inputs = [write_gliner(tmp_path / f"{name}.jsonl", 2) for name in "ba"]
    out = tmp_path / "new" / "all.spacy"
    report = convert(inputs, out, spans_key="gold")
    assert report.passages == 4
    assert [p.source for p in load(out, "gold")] == ["b", "b", "a", "a"]
    assert load(out, "gold")[0].spans == ((0, 1, "name"), (0, 2, "person"))


def test_formats_are_detected_per_file(tmp_path):
    gliner = write_gliner(tmp_path / "g.jsonl")
    bio = tmp_path / "films" / "test.txt"
    bio.parent.mkdir()
    bio.write_text("Heat B-Film\n")
    (bio.parent / "labels.txt").write_text("Film\nActor\n")
    report = convert([gliner, bio], tmp_path / "out")
    assert report.passages == 2
    (passage,) = load(tmp_path / "out" / "films-test-00001.spacy")
    assert passage == Passage(
        ("Heat",), (True,), ((0, 1, "Film"),), (), ("Film", "Actor"), "films-test"
    )


def test_labels_option_goes_before_the_file_beside(tmp_path):
    bio = tmp_path / "x.txt"
    bio.write_text("Heat B-film\n")
    (tmp_path / "labels.txt").write_text("film\n")
    other = tmp_path / "other.txt"
    other.write_text("film\nactor\n")
    convert([bio], tmp_path / "x.spacy", labels=other)
    assert load(tmp_path / "x.spacy")[0].label_set == ("film", "actor")


# do|n't, and don|'|t
@pytest.mark.parametrize(("words", "expected"), [("spacy", 4), ("regex", 5)])
def test_words_option(tmp_path, words, expected):
    path = tmp_path / "w.jsonl"
    path.write_text(json.dumps({"text": "I don't go", "entities": [[0, 1, "person"]]}))
    report = convert([path], tmp_path / "out", words=words)
    assert report.words == expected
    assert report.spans == 1


def test_open_labels(tmp_path):
    path = write_gliner(tmp_path / "g.jsonl", labels=["person", "name", "city"])
    convert([path], tmp_path / "a.spacy")
    convert([path], tmp_path / "b.spacy", open_labels=True)
    assert load(tmp_path / "a.spacy")[0].label_set == ("person", "name", "city")
    assert load(tmp_path / "b.spacy")[0].label_set == ()


@pytest.mark.parametrize("content", ["", "\n", '{"tokenized_text": []}\n{"tokenized_text": 3}\n'])
def test_an_input_without_a_good_passage_is_an_error(tmp_path, content):
    path = tmp_path / "bad.jsonl"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"\[G204\].*bad\.jsonl") as error:
        convert([path], tmp_path / "out", format="gliner")
    assert ("line 2" in str(error.value)) == ("3" in content)


def test_options_must_suit_the_format(tmp_path):
    path = write_gliner(tmp_path / "g.jsonl")
    out = tmp_path / "out"
    with pytest.raises(ValueError, match=r"\[G205\].*'conll'"):
        convert([path], out, format="conll")
    with pytest.raises(ValueError, match=r"\[G206\].*--labels.*'bio'.*'gliner'"):
        convert([path], out, labels=path)
    with pytest.raises(ValueError, match=r"\[G206\].*--open-labels.*'written'"):
        convert([path], out, format="written", open_labels=True)
    with pytest.raises(ValueError, match=r"\[G207\].*: g\."):
        convert([path, write_gliner(tmp_path / "more" / "g.json")], out)
    assert not out.exists()


def test_shard_names(tmp_path):
    assert shard_name(tmp_path / "films" / "dev.txt") == "films-dev"
    assert shard_name(tmp_path / "films" / "pile.v1.json") == "pile.v1"


def test_command_line(tmp_path):
    first = write_gliner(tmp_path / "a.jsonl", 3)
    with first.open("a") as file:
        file.write("{broken\n")
    second = write_gliner(tmp_path / "b.jsonl")
    code, output = run(first, second, tmp_path / "out", "--limit", 9, "--shard-size", 2)
    assert code == 0
    rows = [line.split() for line in output.splitlines()]
    assert ["Passages", "4"] in rows
    assert ["Spans", "8"] in rows
    assert ["passage", "malformed", "JSON", "1"] in rows
    assert "a.jsonl, line 4" in output
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_command_line_errors(tmp_path):
    path = write_gliner(tmp_path / "a.jsonl")
    code, output = run(path, tmp_path / "out", "--words", "bpe")
    assert code == 1
    assert "[G201]" in output
    assert run(tmp_path / "nowhere.jsonl", tmp_path / "out")[0] == 2
    assert run(path, tmp_path / "out", "--shard-size", 0)[0] == 2


@pytest.mark.skipif(not DATA.exists(), reason="needs the shared data")
def test_real_data(tmp_path):
    inputs = [
        DATA / "pile_ner" / "pile_ner_slice.json",
        DATA / "written" / "dev.jsonl",
        DATA / "written" / "annotated.jsonl",
        DATA / "ood7" / "mit_restaurant" / "test.txt",
    ]
    report = convert(inputs, tmp_path, limit=100)
    assert report.passages == 400
    assert not [key for key in report.dropped if key[0] == "passage"]
    assert sum(report.dropped.values()) < 0.02 * report.spans
    assert "Restaurant Name" in report.types
