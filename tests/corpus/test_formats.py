"""Each format: what is read, and each cause of a drop."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.corpus.bio import read_bio, read_labels, split_line
from spacy_gliner.corpus.formats import detect_format
from spacy_gliner.corpus.gliner_json import read_gliner
from spacy_gliner.corpus.pile_ner import read_pile_ner
from spacy_gliner.corpus.report import Report
from spacy_gliner.corpus.tokens import make_tokenizer, regex_tokens
from spacy_gliner.corpus.written import read_written


@pytest.fixture(scope="module")
def spacy_tokens():
    return make_tokenizer("spacy", "en")


def write_lines(path, *records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return path


def talk(text, *answers):
    """A Pile-NER record: (type, answer) pairs."""
    turns = [("human", f"Text: {text}"), ("gpt", "I've read this text.")]
    for label, answer in answers:
        turns.append(("human", f"What describes {label} in the text?"))
        turns.append(("gpt", answer if isinstance(answer, str) else json.dumps(answer)))
    return {"id": "x", "conversations": [{"from": who, "value": value} for who, value in turns]}


def one_pile(tmp_path, record, tokenizer=regex_tokens):
    report = Report()
    path = write_lines(tmp_path / "pile.jsonl", record)
    passages = list(read_pile_ner(path, report, tokenizer=tokenizer, source="pile"))
    return (passages[0] if passages else None), report


def marked(passage):
    return [(" ".join(passage.words[s:e]), label) for s, e, label in passage.spans]


# tokens


@given(st.text())
def test_regex_words_lie_where_they_say(text):
    tokens = regex_tokens(text)
    for word, start in zip(tokens.words, tokens.starts, strict=True):
        assert text[start : start + len(word)] == word
        assert tokens.first[start] + 1 == tokens.last[start + len(word)]
    assert "".join(tokens.words) == "".join(text.split())


@given(st.text())
def test_spacy_words_give_the_text_back(spacy_tokens, text):
    tokens = spacy_tokens(text)
    pieces = zip(tokens.words, tokens.spaces, strict=True)
    assert "".join(word + " " * space for word, space in pieces) == text


def test_unknown_words_are_an_error():
    with pytest.raises(ValueError, match=r"\[G201\].*'bpe'.*spacy, regex"):
        make_tokenizer("bpe", "en")


# written


def one_written(tmp_path, tokenizer, **record):
    report = Report()
    path = write_lines(tmp_path / "w.jsonl", record)
    passages = list(read_written(path, report, tokenizer=tokenizer, source="w"))
    return (passages[0] if passages else None), report


def test_written_characters_become_words(tmp_path, spacy_tokens):
    text = "Anna Żak-Nowak, from  Łódź, saw Anna."
    passage, report = one_written(
        tmp_path,
        spacy_tokens,
        text=text,
        entities=[
            [0, 14, "person"],
            [0, 4, "given name"],
            [0, 14, "visitor"],
            [text.index("Łódź"), text.index("Łódź") + 4, "city"],
            [text.rindex("Anna"), text.rindex("Anna") + 4, "person"],
        ],
        absent=["country", "river"],
        labels=["person", "given name", "visitor", "city", "country"],
        domain="tests",
    )
    assert marked(passage) == [
        ("Anna", "given name"),
        ("Anna Żak - Nowak", "person"),
        ("Anna Żak - Nowak", "visitor"),
        ("Łódź", "city"),
        ("Anna", "person"),
    ]
    assert " " in passage.words  # spaCy's token of the second space stays a word
    assert passage.absent == ("country", "river")
    assert passage.label_set == ("person", "given name", "visitor", "city", "country")
    assert passage.source == "w"
    assert not report.dropped


def test_written_drops_what_does_not_fit(tmp_path):
    passage, report = one_written(
        tmp_path,
        regex_tokens,
        text="The Val-de-Loire",
        entities=[
            [4, 16, "region"],
            [4, 16, "region"],
            [11, 16, "river"],
            [4, 99, "region"],
            [-1, 3, "region"],
            [4, 4, "region"],
            [4, 16, 7],
            [4, 16],
            [4, 16, " "],
            [0, 3, "article"],
        ],
        absent=["region", "country"],
        labels=["region", "river", "country"],
    )
    assert marked(passage) == [("Val-de-Loire", "region")]
    assert passage.absent == ("country",)
    # The only river is not marked, so nothing may be learnt from its absence.
    assert passage.label_set == ("region", "country")
    assert report.dropped == {
        ("span", "duplicate"): 1,
        ("span", "misaligned"): 1,
        ("span", "out of range"): 2,
        ("span", "empty"): 1,
        ("span", "malformed"): 3,
        ("span", "type outside the label set"): 1,
        ("absent type", "marked in the passage"): 1,
        ("label", "lost all its spans"): 1,
    }
    assert report.examples["span", "misaligned"] == ["w.jsonl, line 1: 'Loire' [11, 16] river"]


@pytest.mark.parametrize(
    ("record", "cause"),
    [
        ({"text": " \n", "entities": []}, "empty text"),
        ({"text": "", "entities": []}, "empty text"),
        ({"entities": []}, "malformed record: 'text' is not a str"),
        ({"text": "a"}, "malformed record: 'entities' is not a list"),
        ({"text": "a", "entities": [], "absent": [1]}, "malformed record: 'absent' is not a list"),
    ],
)
def test_written_rejects_records(tmp_path, spacy_tokens, record, cause):
    passage, report = one_written(tmp_path, spacy_tokens, **record)
    assert passage is None
    (((kind, counted), count),) = report.dropped.items()
    assert (kind, count) == ("passage", 1)
    assert counted.startswith(cause)


@given(st.data())
def test_any_span_of_whole_words_is_kept(tmp_path_factory, data):
    text = data.draw(st.text(min_size=1).filter(str.strip))
    tokens = regex_tokens(text)
    start = data.draw(st.integers(0, len(tokens.words) - 1))
    end = data.draw(st.integers(start, len(tokens.words) - 1))
    span = [tokens.starts[start], tokens.starts[end] + len(tokens.words[end]), "x"]
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    write_lines(path, {"text": text, "entities": [span]})
    (passage,) = read_written(path, Report(), tokenizer=regex_tokens, source="w")
    assert passage.spans == ((start, end + 1, "x"),)


# GLiNER's JSON


def read_one_gliner(tmp_path, *, open_labels=False, **record):
    report = Report()
    path = write_lines(tmp_path / "g.jsonl", record)
    passages = list(read_gliner(path, report, open_labels=open_labels, source="g"))
    return (passages[0] if passages else None), report


def test_gliner_ends_are_inclusive(tmp_path):
    passage, report = read_one_gliner(
        tmp_path,
        tokenized_text=["Marie", "Curie", "of", "Paris"],
        ner=[[0, 1, "person"], [1, 1, "surname"], [3, 3, "city"]],
        ner_negatives=["river"],
    )
    assert marked(passage) == [("Marie Curie", "person"), ("Curie", "surname"), ("Paris", "city")]
    assert passage.spaces == (True,) * 4
    assert (passage.absent, passage.label_set, passage.source) == (("river",), (), "g")
    assert not report.dropped


@pytest.mark.parametrize(
    ("keys", "open_labels", "label_set"),
    [
        ({"ner_labels": ["city", "person"]}, False, ("city", "person")),
        ({"labels": ["city", "person"]}, False, ("city", "person")),
        ({"labels": ["city", "person"]}, True, ()),
        ({"ner_labels": ["city"], "labels": ["city"]}, True, ("city",)),
        ({}, False, ()),
    ],
)
def test_gliner_closed_sets(tmp_path, keys, open_labels, label_set):
    passage, _ = read_one_gliner(
        tmp_path,
        open_labels=open_labels,
        tokenized_text=["Paris"],
        ner=[[0, 0, "city"]],
        absent=["river"],
        source="travels",
        **keys,
    )
    assert passage.label_set == label_set
    assert (passage.absent, passage.source) == (("river",), "travels")


def test_gliner_blank_words_go_and_spans_move(tmp_path):
    passage, report = read_one_gliner(
        tmp_path,
        tokenized_text=["", "Rio", " ", "Grande", "\n", "rises"],
        ner=[[1, 3, "river"], [2, 2, "gap"], [0, 4, "all"]],
    )
    assert passage.words == ("Rio", "Grande", "rises")
    assert passage.spans == ((0, 2, "all"), (0, 2, "river"))
    assert report.dropped == {("word", "blank"): 3, ("span", "empty"): 1}


def test_gliner_drops_what_does_not_fit(tmp_path):
    passage, report = read_one_gliner(
        tmp_path,
        tokenized_text=["Rio", "Grande"],
        ner=[[0, 2, "a"], [-1, 0, "a"], [1, 0, "a"], ["0", 1, "a"], [0, 1, "b"], [0, 1, "b"]],
    )
    assert marked(passage) == [("Rio Grande", "b")]
    assert report.dropped == {
        ("span", "out of range"): 2,
        ("span", "empty"): 1,
        ("span", "malformed"): 1,
        ("span", "duplicate"): 1,
    }


@pytest.mark.parametrize(
    "record",
    [
        {"tokenized_text": ["", " "], "ner": []},
        {"tokenized_text": [], "ner": []},
        {"tokenized_text": ["a", 1], "ner": []},
        {"tokenized_text": "a b", "ner": []},
        {"tokenized_text": ["a"], "ner": None},
        {"ner": []},
    ],
)
def test_gliner_rejects_records(tmp_path, record):
    passage, report = read_one_gliner(tmp_path, **record)
    assert passage is None
    assert sum(n for (kind, _), n in report.dropped.items() if kind == "passage") == 1


# Pile-NER


def test_pile_marks_every_occurrence_whatever_its_case(tmp_path):
    passage, report = one_pile(
        tmp_path,
        talk(
            "Aspirin thins blood; ASPIRIN\nand aspirin-like drugs (blood thinners) help.",
            ("drug", ["aspirin", "Aspirin"]),
            ("substance", ["blood"]),
            ("drug class", ["blood thinners", "aspirin-like drugs"]),
            ("city", []),
        ),
    )
    assert marked(passage) == [
        ("Aspirin", "drug"),
        ("blood", "substance"),
        ("ASPIRIN", "drug"),
        ("aspirin-like drugs", "drug class"),
        ("blood", "substance"),
        ("blood thinners", "drug class"),
    ]
    assert passage.words[0] == "Aspirin"
    assert (passage.absent, passage.source) == (("city",), "pile")
    assert not report.dropped


def test_pile_mentions_match_across_white_space_words(tmp_path, spacy_tokens):
    passage, _ = one_pile(
        tmp_path,
        talk("From New\n York to  U.S. soil", ("place", ["New York", "U.S"])),
        spacy_tokens,
    )
    assert [e - s for s, e, _ in passage.spans] == [3]
    assert passage.words[passage.spans[0][0]] == "New"


@pytest.mark.parametrize(
    ("text", "mention", "spans"),
    [
        ("the therapist", "the rapist", []),
        ("Loire, Val-de-Loire", "Loire", [(0, 1)]),
        ("STRASSE und Straße", "straße", [(0, 1), (2, 3)]),
        ("a a a", "a a", [(0, 2), (1, 3)]),
        ("İzmir 東京 x", "東京", [(1, 2)]),
        ("f(x) = y", "f (x)", [(0, 4)]),
        ("some text", "  ", []),
        ("some text", "", []),
    ],
)
def test_pile_mentions(tmp_path, text, mention, spans):
    passage, report = one_pile(tmp_path, talk(text, ("x", [mention])))
    assert [(s, e) for s, e, _ in passage.spans] == spans
    assert report.dropped == ({} if spans else {("span", "mention not found"): 1})
    assert passage.absent == ()  # asked for and answered: not absent, found or not


def test_pile_repeated_questions_are_one(tmp_path):
    passage, _ = one_pile(tmp_path, talk("a b", ("x", []), ("x", ["a"]), ("y", []), ("y", [])))
    assert marked(passage) == [("a", "x")]
    assert passage.absent == ("y",)


def test_pile_unreadable_answers_are_counted(tmp_path):
    record = talk("a b", ("x", "a, b"), ("y", [1]), ("z", '"a"'), ("v", ["b"]))
    record["conversations"].append({"from": "human", "value": "What describes w in the text?"})
    passage, report = one_pile(tmp_path, record)
    assert marked(passage) == [("b", "v")]
    assert passage.absent == ()
    assert report.dropped == {("answer", "not a JSON list of strings"): 4}


@pytest.mark.parametrize(
    ("record", "cause"),
    [
        (talk(" \n "), "empty text"),
        ({"conversations": []}, "malformed record: the first turn"),
        ({"conversations": [{"value": "Hello"}]}, "malformed record: the first turn"),
        ({"conversations": [{"value": None}]}, "malformed record: a turn"),
        ({"conversations": ["Text: a"]}, "malformed record: a turn"),
        ({"conversations": "Text: a"}, "malformed record: 'conversations'"),
    ],
)
def test_pile_rejects_records(tmp_path, record, cause):
    passage, report = one_pile(tmp_path, record)
    assert passage is None
    ((kind, counted),) = report.dropped
    assert kind == "passage"
    assert counted.startswith(cause)


# BIO


def read_all_bio(tmp_path, text, label_set=()):
    report = Report()
    path = tmp_path / "s.txt"
    path.write_text(text, encoding="utf-8")
    return list(read_bio(path, report, label_set=label_set, source="s")), report


@pytest.mark.parametrize("gap", ["\t", " "])
def test_bio_sentences(tmp_path, gap):
    rows = ["\ufeff", "Ann B-person", "Lee I-person", "Bo B-person", "[ O", "", " ", "in O"]
    rows += ["Rio B-tall city", "Rio B-tall city", "Sul I-tall city"]
    text = "\r\n".join(row.replace(" ", gap, 1) for row in rows)
    (first, second), report = read_all_bio(tmp_path, text)
    assert marked(first) == [("Ann Lee", "person"), ("Bo", "person")]
    assert marked(second) == [("Rio", "tall city"), ("Rio Sul", "tall city")]
    assert first.label_set == second.label_set == ("person", "tall city")
    assert not report.dropped


def test_bio_repairs_are_counted(tmp_path):
    (passage,), report = read_all_bio(tmp_path, "a I-x\nb I-y\nc I-y\nd O\ne I-y\n")
    assert passage.spans == ((0, 1, "x"), (1, 3, "y"), (4, 5, "y"))
    assert report.dropped == {("tag", "I- continues no span: read as B-"): 3}


def test_bio_malformed_sentences_are_dropped_with_their_line(tmp_path):
    text = "a O\n\n\nb O\nbroken\n\nc B-\n\nd X-x\n\ne\tf\tO\n\ng B-x\n"
    passages, report = read_all_bio(tmp_path, text)
    assert [p.words for p in passages] == [("a",), ("g",)]
    assert report.dropped == {("passage", "malformed line"): 4}
    assert report.examples["passage", "malformed line"][0] == "s.txt, line 5: 'broken'"
    assert report.examples["passage", "malformed line"][3] == "s.txt, line 11: 'e\\tf\\tO'"


def test_bio_label_set_closes_the_types(tmp_path):
    (passage,), report = read_all_bio(tmp_path, "a B-x\nb B-misc\n", label_set=("x", "Y"))
    assert passage.spans == ((0, 1, "x"),)
    assert passage.label_set == ("x", "Y")
    assert report.dropped == {("span", "type outside the label set"): 1}


def test_bio_files_must_be_utf8(tmp_path):
    path = tmp_path / "latin.txt"
    path.write_bytes("Málaga B-city\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"\[G208\].*latin\.txt"):
        list(read_bio(path, Report(), label_set=(), source="s"))


def test_label_files(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("Restaurant Name\n\n Dish \nDish\n")
    assert read_labels(path) == ("Restaurant Name", "Dish")
    path.write_text("\n")
    with pytest.raises(ValueError, match=r"\[G202\].*labels\.txt"):
        read_labels(path)


TAGS = st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b c"])


@given(st.lists(st.tuples(st.text("xy[{-", min_size=1), TAGS), min_size=1, max_size=12))
def test_bio_spans_cover_the_tagged_words(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "any.txt"
    path.write_text("".join(f"{word}\t{tag}\n" for word, tag in rows))
    (passage,) = read_bio(path, Report(), label_set=(), source="s")
    covered = {i: label for s, e, label in passage.spans for i in range(s, e)}
    assert covered == {i: tag[2:] for i, (_, tag) in enumerate(rows) if tag != "O"}
    begins = {i for i, (_, tag) in enumerate(rows) if tag.startswith("B-")}
    assert begins <= {start for start, _, _ in passage.spans}


def test_split_line_takes_the_first_space_or_the_tab():
    assert split_line("Rio B-tall city") == ("Rio", "B-tall city")
    assert split_line("Rio Sul\tB-city") == ("Rio Sul", "B-city")
    assert split_line("\tO") is None


# detection


@pytest.mark.parametrize(
    ("text", "format"),
    [
        (json.dumps([talk("a")]), "pile-ner"),
        (json.dumps([talk("a")], indent=2), "pile-ner"),
        (json.dumps(talk("a")), "pile-ner"),
        (json.dumps({"tokenized_text": ["a"], "ner": []}), "gliner"),
        (json.dumps([{"tokenized_text": ["a"], "ner": []}]), "gliner"),
        ('not json\n{"text": "a", "entities": []}', "written"),
        ("\n[\tO\n", "bio"),
        ("{ B-mark\n", "bio"),
        ("EU B-organization of states\r\n", "bio"),
    ],
)
def test_formats_are_detected(tmp_path, text, format):
    path = tmp_path / "input"
    path.write_text(text)
    assert detect_format(path) == format


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"text": "a", "spans": []}', "the keys spans, text"),
        ("{}", r"the keys \(none\)"),
        ("once upon a time", "no JSON object"),
        ("[]", "no JSON object"),
        ("", "no JSON object"),
    ],
)
def test_undetected_formats_are_errors(tmp_path, text, found):
    path = tmp_path / "input"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"\[G203\].*{found}.*--format"):
        detect_format(path)
