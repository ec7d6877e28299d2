import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.corpus.records import Record, iter_array, read_records
from spacy_gliner.corpus.report import MAX_EXAMPLES, Rejected, Report

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def in_chunks(text, size):
    return (text[i : i + size] for i in range(0, len(text), size))


@given(
    st.lists(VALUES, max_size=6),
    st.integers(min_value=1, max_value=40),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
)
def test_array_is_the_same_in_chunks_of_any_size(values, size, indent, ascii_only):
    text = json.dumps(values, indent=indent, ensure_ascii=ascii_only)
    assert list(iter_array(in_chunks(f"\n {text} \n", size))) == values


@given(st.lists(VALUES, max_size=4), st.integers(min_value=1, max_value=9), st.data())
def test_an_array_cut_short_is_an_error(values, size, data):
    text = json.dumps(values)
    cut = data.draw(st.integers(min_value=0, max_value=len(text) - 1))
    with pytest.raises(json.JSONDecodeError):
        list(iter_array(in_chunks(text[:cut], size)))


@pytest.mark.parametrize("text", ["[1 2]", "[1,]", "[,1]", "[1] 2", "{}", "[nul]", '["\\x"]'])
def test_malformed_arrays_are_errors(text):
    with pytest.raises(json.JSONDecodeError):
        list(iter_array([text]))


def test_elements_are_yielded_before_the_array_ends():
    def chunks():
        yield '[{"a": 1}, {"b"'
        raise AssertionError("read further than needed")

    assert next(iter_array(chunks())) == {"a": 1}


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_array_and_lines_give_the_same_records(tmp_path, bom):
    values = [{"text": "Ōsaka \u2028 Straße"}, {"text": "b", "n": 2}]
    array, lines = tmp_path / "a.json", tmp_path / "a.jsonl"
    array.write_text(bom + "\n" + json.dumps(values, ensure_ascii=False), encoding="utf-8")
    lines.write_text(
        bom + "\n\n".join(json.dumps(v, ensure_ascii=False) for v in values), encoding="utf-8"
    )
    report = Report()
    from_array = list(read_records(array, report))
    from_lines = list(read_records(lines, report))
    assert [r.value for r in from_array] == [r.value for r in from_lines] == values
    assert [r.where for r in from_array] == ["a.json, record 1", "a.json, record 2"]
    assert [r.where for r in from_lines] == ["a.jsonl, line 1", "a.jsonl, line 3"]
    assert not report.dropped


def test_bad_lines_are_counted_with_their_numbers(tmp_path):
    path = tmp_path / "bad.jsonl"
    path.write_bytes(b'{"ok": 1}\n{"cut": \n7\n{"bad": "\xff"}\n{"half": "\\ud83d"}\n{"ok": 2}\n')
    report = Report()
    assert [r.value for r in read_records(path, report)] == [{"ok": 1}, {"ok": 2}]
    assert report.dropped == {
        ("passage", "malformed JSON"): 2,
        ("passage", "malformed record: not a JSON object"): 1,
        ("passage", "malformed record: half of a surrogate pair"): 1,
    }
    assert [e.partition(":")[0] for e in report.examples["passage", "malformed JSON"]] == [
        "bad.jsonl, line 2",
        "bad.jsonl, line 4",
    ]
    assert report.examples["passage", "malformed record: half of a surrogate pair"] == [
        "bad.jsonl, line 5"
    ]


@pytest.mark.parametrize("tail", [b'{"a": ', b'{"a": "\xff"}]'])
def test_a_broken_array_names_the_file_and_the_record(tmp_path, tail):
    path = tmp_path / "broken.json"
    path.write_bytes(b'[{"a": 1}, ' + tail)
    with pytest.raises(ValueError, match=r"\[G200\].*broken\.json"):
        list(read_records(path, Report()))


def test_a_broken_record_is_not_read_for_ever(monkeypatch):
    monkeypatch.setattr("spacy_gliner.corpus.records.MAX_RECORD", 1000)
    read = 0

    def chunks():
        nonlocal read
        yield '[{"a" 1}, '
        for _ in range(10_000):
            read += 1
            yield '{"a": 1}, '

    with pytest.raises(json.JSONDecodeError):
        list(iter_array(chunks()))
    assert read < 500


def test_record_keys_are_checked():
    record = Record("x, line 1", {"text": 3, "labels": ["a", 4], "words": ["a"]})
    assert record.strings("words") == ("a",)
    assert record.strings("missing", default=[]) == ()
    for key in ("text", "labels", "missing"):
        with pytest.raises(Rejected, match=f"'{key}'"):
            record.strings(key)


def test_the_report_keeps_the_first_examples_only():
    report = Report()
    for i in range(MAX_EXAMPLES + 3):
        report.drop("span", "empty", str(i))
    assert report.dropped["span", "empty"] == MAX_EXAMPLES + 3
    assert report.examples["span", "empty"] == [str(i) for i in range(MAX_EXAMPLES)]
