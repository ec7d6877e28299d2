from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spacy_gliner.gner.align import Alignment, align, common_subsequence, recover_tags
from spacy_gliner.gner.bio import TagSet, write_target

from .texts import tagged_texts

FEW_WORDS = st.lists(st.sampled_from("abc"), max_size=12)
TAGS = TagSet(["field", "pet", "city", "song"])


def recover(text: str, words: str, spell=list) -> tuple[str, int, int]:
    found = recover_tags(text, words.split(), TAGS, spell=spell)
    return " ".join(found.tags), found.unmatched_words, found.unmatched_pairs


def oracle(first: list[str], second: list[str]) -> int:
    """The length of a longest common subsequence, by the plain dynamic programme."""
    row = [0] * (len(second) + 1)
    for a in first:
        last, row = row, [0]
        for j, b in enumerate(second):
            row.append(last[j] + 1 if a == b else max(last[j + 1], row[j]))
    return row[-1]


# The longest common subsequence


@given(FEW_WORDS, FEW_WORDS)
def test_it_is_common_a_subsequence_and_the_longest(first, second):
    matches = common_subsequence(first, second)
    assert [first[i] for i, _ in matches] == [second[j] for _, j in matches]
    for (i, j), (next_i, next_j) in pairwise(matches):
        assert i < next_i and j < next_j
    assert len(matches) == oracle(first, second)


def test_of_equal_lists_it_is_all():
    words = ["wet"] * 5
    assert common_subsequence(words, words) == [(i, i) for i in range(5)]
    assert common_subsequence([], words) == common_subsequence(words, []) == []


def test_thousands_of_repeated_words():
    matches = common_subsequence(["x", *["wet"] * 3000, "y"], ["y", *["wet"] * 2999, "x"])
    assert len(matches) == 2999


def test_thousands_of_words_with_a_change_now_and_then():
    words = [f"w{i * i % 97}" for i in range(3000)]
    changed = [word if i % 50 else "new" for i, word in enumerate(words)]
    matches = common_subsequence(words, changed)
    assert len(matches) >= 3000 - 60
    assert all(words[i] == changed[j] for i, j in matches)


# Texts


def test_a_changed_word_gets_o_and_no_other_suffers():
    text = "l'(O) antropologa(B-field) del(O) mito(B-field)"
    assert recover(text, "l' antropologia del mito") == ("O O O B-field", 1, 1)


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("to(O) New(B-city) York(I-city)", "to New York", ("O B-city I-city", 0, 0)),
        ("New(B-city) York(I-city)", "off to New York", ("O O B-city I-city", 2, 0)),
        ("New(B-city) to(O) York(I-city)", "New York", ("B-city I-city", 0, 1)),
        ("new(B-city) YORK(I-city)", "New York", ("B-city I-city", 0, 0)),
        ("a(O) manhattan(B-city) b(O)", "a manattan b", ("O O O", 1, 1)),
        ("x(O) Oslo(B-city) z(O)", "y Oslo", ("O B-city", 1, 2)),
        ("", "a b", ("O O", 2, 0)),
        ("a(B-pet)", "", ("", 0, 1)),
    ],
)
def test_omitted_added_and_changed(text, words, expected):
    assert recover(text, words) == expected


@pytest.mark.parametrize(
    ("text", "words", "tags"),
    [
        (
            "wet(B-song) wet(I-song) wet(I-song) wet(O)",
            "wet wet wet wet",
            "B-song I-song I-song O",
        ),
        ("the(O) wet(B-song) wet(I-song) x(O)", "the wet wet wet x", "O B-song I-song O O"),
        # The one before the dog is meant, though the first "the" would match as well.
        ("the(B-pet) dog(I-pet)", "the cat the dog", "O O B-pet I-pet"),
        ("the(B-pet) big(I-pet) dog(I-pet)", "the big cat the big dog", "O O O B-pet I-pet I-pet"),
        ("y(O) New(B-city) York(I-city)", "x New York and York", "O B-city I-city O O"),
        # Without an I that ties them, words stay where they matched first.
        ("the(O) dog(B-pet)", "the cat the dog", "O O O B-pet"),
    ],
)
def test_repeated_words(text, words, tags):
    assert recover(text, words)[0] == tags


def test_words_are_compared_as_the_vocabulary_spells_them():
    def spell(words):
        return [word.replace("{", "").replace("\u00bd", " 1/2") for word in words]

    text = "Os{lo(B-city) 1/2(B-song) (O) b(B-pet)".replace("{", "")
    words = "{Os{lo \u00bd { b"
    assert recover(text, words, spell) == ("B-city B-song O B-pet", 0, 0)
    assert recover(text, words) == ("O O O B-pet", 3, 3)


@given(FEW_WORDS, FEW_WORDS)
def test_each_tag_goes_to_an_equal_word_in_order_and_as_many_as_can(words, generated):
    # Odd tags are told to follow their word, so that some matches move.
    pairs = [(word.upper(), f"{'BI'[j % 2]}-{j}") for j, word in enumerate(generated)]
    found = align(words, pairs)
    sources = [int(tag[2:]) if tag != "O" else None for tag in found.tags]
    handed = [source for source in sources if source is not None]
    assert handed == sorted(set(handed))
    assert all(
        word == generated[j] for word, j in zip(words, sources, strict=True) if j is not None
    )
    assert len(handed) == oracle(words, generated)
    assert found.unmatched_words == len(words) - len(handed)
    assert found.unmatched_pairs == len(generated) - len(handed)


@given(tagged_texts())
def test_a_faithful_model_loses_nothing(text):
    words, labels, tags = text
    found = recover_tags(write_target(words, tags), words, TagSet(labels), spell=list)
    assert found == Alignment(tags, 0, 0)


@given(tagged_texts(), st.data())
def test_a_model_that_leaves_words_out_keeps_the_tags_of_the_others(text, data):
    words, labels, tags = text
    kept = sorted(data.draw(st.sets(st.integers(0, len(words) - 1)))) if words else []
    target = write_target([words[i] for i in kept], [tags[i] for i in kept])
    found = recover_tags(target, words, TagSet(labels), spell=list)
    assert (found.unmatched_words, found.unmatched_pairs) == (len(words) - len(kept), 0)
    assert [tag for tag in found.tags if tag != "O"] == [tags[i] for i in kept if tags[i] != "O"]
