import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gner.bio import (
    BOUNDARIES,
    TagSet,
    compact,
    read_target,
    spans_to_tags,
    tags_to_spans,
    write_tag,
    write_target,
)

from .texts import PARTS, tagged_texts

LABELS = ["city", "work of art", "character (fictional)", "a) b"]


def read(text: str, words: str = "") -> list[tuple[str, str]]:
    return read_target(text, TagSet(LABELS), words.split())


# Tags and spans


def test_worked_example():
    spans = [(3, 4, "city"), (0, 2, "city"), (2, 3, "person")]
    tags = ["B-city", "I-city", "B-person", "B-city", "O"]
    assert spans_to_tags(spans, 5) == tags
    assert tags_to_spans(tags) == sorted(spans)


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("", []),
        ("O O", []),
        ("O I-a I-a O", [(1, 3, "a")]),  # I without B opens a span
        ("I-a B-a", [(0, 1, "a"), (1, 2, "a")]),
        ("B-a I-b I-b", [(0, 1, "a"), (1, 3, "b")]),  # so does I of another label
        ("B-a I-b I-a", [(0, 1, "a"), (1, 2, "b"), (2, 3, "a")]),
        ("B-a O I-a", [(0, 1, "a"), (2, 3, "a")]),
        ("B-a B-a", [(0, 1, "a"), (1, 2, "a")]),
        ("B-O I-O", [(0, 2, "O")]),
    ],
)
def test_malformed_tags(tags, spans):
    assert tags_to_spans(tags.split()) == spans


# Gaps before spans, their widths and labels.
GAPS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3), st.sampled_from(["a", "b c", "O"])))


@given(GAPS, st.integers(0, 2), st.randoms(use_true_random=False))
def test_tags_give_the_spans_back(gaps, rest, random):
    spans, end = [], 0
    for gap, width, label in gaps:
        spans.append((end + gap, end + gap + width, label))
        end += gap + width
    shuffled = random.sample(spans, len(spans))
    assert tags_to_spans(spans_to_tags(shuffled, end + rest)) == spans


@given(st.lists(st.sampled_from(["O", "B-a", "I-a", "B-b", "I-b"])))
def test_any_tags_give_spans_over_all_their_words_but_those_outside(tags):
    repaired = spans_to_tags(tags_to_spans(tags), len(tags))
    assert [tag[2:] for tag in repaired] == [tag[2:] for tag in tags]
    for before, tag, right in zip(["O", *repaired], tags, repaired, strict=False):
        assert tag == right or ((right[0], tag[0]) == ("B", "I") and before[2:] != tag[2:])


@pytest.mark.parametrize("span", [(-1, 1, "a"), (2, 2, "a"), (2, 1, "a"), (1, 4, "a")])
def test_a_span_must_lie_in_the_text(span):
    with pytest.raises(ValueError, match=r"\[G501\].*'a'.*3 words"):
        spans_to_tags([span], 3)


def test_a_word_has_one_tag():
    with pytest.raises(ValueError, match=r"\[G502\].*\(1, 3, 'b'\)"):
        spans_to_tags([(0, 2, "a"), (1, 3, "b")], 3)


# Targets


def test_the_target_of_a_text():
    target = write_target(["New", "York", "."], ["B-city", "I-city", "O"])
    assert target == "New(B-city) York(I-city) .(O)"
    assert read(target) == [("New", "B-city"), ("York", "I-city"), (".", "O")]


@pytest.mark.parametrize("boundaries", BOUNDARIES)
@given(st.data())
def test_every_target_gives_its_words_and_tags_back(boundaries, data):
    words, labels, tags = data.draw(tagged_texts(boundaries))
    target = write_target(words, tags, boundaries=boundaries)
    pairs = read_target(target, TagSet(labels, boundaries=boundaries), words)
    assert pairs == list(zip(words, tags, strict=True))


@pytest.mark.parametrize(
    ("words", "tags"),
    [
        (["f(x)", "(B-city)", ")", "(O)", "(", "x(B-city)y"], ["O", "B-city", "O", "O", "O", "O"]),
        (["Mina", "b)", "b)"], ["B-character (fictional)", "O", "B-a) b"]),
        (["", "x", "", ""], ["B-city", "O", "I-city", "O"]),
    ],
)
def test_brackets_in_words_and_labels(words, tags):
    assert read(write_target(words, tags), " ".join(words)) == list(zip(words, tags, strict=True))


def test_a_label_that_would_make_two_readings_is_refused():
    one = write_target(["x"], ["B-y(B-a"])
    two = write_target(["x(B-y"], ["B-a"])
    assert one == two
    with pytest.raises(ValueError, match=r"\[G503\].*'y\(B-a'.*'B-a'"):
        TagSet(["y(B-a", "a"])
    with pytest.raises(ValueError, match=r"\[G503\].*'y\(O'.*'O'"):
        TagSet(["y(O"])
    assert read_target(one, TagSet(["y(B-a"]), []) == [("x", "B-y(B-a")]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        (" the(O)\n dog(O) ", [("the", "O"), ("dog", "O")]),
        ("Oslo(B-town) is(O)", [("Oslo", "O"), ("is", "O")]),
        ("Oslo(B-old town) is(O)", [("Oslo", "O"), ("is", "O")]),
        ("Oslo(B-City)", [("Oslo", "O")]),
        ("in Oslo(B-city) now", [("in", "O"), ("Oslo", "B-city"), ("now", "O")]),
        ("f(x) g(y)(O)", [("f(x)", "O"), ("g(y)", "O")]),
        ("Oslo (B-city) is (O)", [("Oslo", "B-city"), ("is", "O")]),
        ("the(O) (B-city) is(O)", [("the", "O"), ("", "B-city"), ("is", "O")]),
        ("Oslo(B-city).(O)", [("Oslo", "B-city"), (".", "O")]),
        ("Emma(B-work of art),(O)", [("Emma", "B-work of art"), (",", "O")]),
        ("Oslo(B-city), is(O),", [("Oslo", "B-city"), (",", "O"), ("is", "O"), (",", "O")]),
        ("Oslo(B-city) is(B-ci", [("Oslo", "B-city"), ("is(B-ci", "O")]),
    ],
)
def test_what_is_no_target(text, pairs):
    assert read(text) == pairs


def test_a_word_that_contains_a_tag_is_one_word_if_it_is_in_the_text():
    assert read("a(O)b(B-city)", "x a(O)b") == [("a(O)b", "B-city")]
    assert read("a(O)b(B-city)", "x a b") == [("a", "O"), ("b", "B-city")]


@given(st.lists(st.sampled_from([*PARTS, " ", "city)", "\n"])).map("".join), st.booleans())
def test_any_text_can_be_read_and_gives_known_tags(text, known):
    tags = TagSet(["city", "a b"])
    pairs = read_target(text, tags, text.split() if known else [])
    assert {tag for _, tag in pairs} <= {"O", "B-city", "I-city", "B-a b", "I-a b"}
    # Words come in the order of the text, and none is invented.
    place = 0
    for word, _ in pairs:
        place = text.index(word, place) + len(word)


def test_words_have_no_white_space():
    assert compact(["New York", "\u00a0\u0308 ", "x"]) == ["NewYork", "\u0308", "x"]


# Plain boundaries


def test_a_plain_target_says_only_what_a_word_is():
    words, spans = ["New", "York", "Ada", "."], [(0, 2, "city"), (2, 3, "person")]
    tags = spans_to_tags(spans, 4, boundaries="plain")
    assert tags == ["I-city", "I-city", "I-person", "O"]
    target = write_target(words, tags, boundaries="plain")
    assert target == "New(city) York(city) Ada(person) .(O)"
    pairs = read_target(target, TagSet(["person", "city"], boundaries="plain"), words)
    assert tags_to_spans([tag for _, tag in pairs]) == spans


def test_plain_spans_of_one_label_that_touch_are_one():
    tags = spans_to_tags([(0, 1, "a"), (1, 3, "a"), (3, 4, "b")], 4, boundaries="plain")
    assert tags_to_spans(tags) == [(0, 3, "a"), (3, 4, "b")]


@pytest.mark.parametrize(
    ("tag", "written"), [("O", "O"), ("I-a", "a"), ("I-I-a", "I-a"), ("I-B-O", "B-O")]
)
def test_a_plain_tag_is_its_label(tag, written):
    assert write_tag(tag, boundaries="plain") == written
    assert write_tag(tag) == tag


def test_a_plain_label_cannot_be_called_as_what_is_none():
    with pytest.raises(ValueError, match=r"\[G540\].*'O'.*'plain'"):
        TagSet(["a", "O"], boundaries="plain")
    assert TagSet(["a", "O"]).before("x(B-O)", 6) == (1, "B-O")


def test_a_plain_label_that_would_make_two_readings_is_refused():
    with pytest.raises(ValueError, match=r"\[G503\].*'y\(a'"):
        TagSet(["y(a", "a"], boundaries="plain")
    TagSet(["y(B-a", "a"], boundaries="plain")


def test_a_plain_label_that_is_not_of_the_set_is_no_tag():
    tags = TagSet(["city"], boundaries="plain")
    assert read_target("Oslo(town) f(x)(O) Rome(city)", tags, ["f(x)"]) == [
        ("Oslo(town)", "O"),
        ("f(x)", "O"),
        ("Rome", "I-city"),
    ]
    assert read_target("Oslo(B-city)", tags, []) == [("Oslo(B-city)", "O")]
