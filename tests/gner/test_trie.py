"""Which tags may follow, and which pieces tell them apart."""

from functools import cache
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import normalizers

from spacy_gliner.errors import Errors
from spacy_gliner.gner.target import TargetPieces
from spacy_gliner.gner.trie import Choice, TagTrie

from . import models
from .test_target import byte_tokenizer
from .texts import LABELS

TOKENIZERS = {"T5": models.t5_tokenizer, "LLaMA": models.llama_tokenizer}
SHARED = ["person", "person name", "per", "city", "city (old)"]


@cache
def target(name: str) -> TargetPieces:
    return TargetPieces(TOKENIZERS[name]())


def leaves(choice: Choice | str, path: tuple[int, ...] = ()) -> dict[str, tuple[int, ...]]:
    """All tags, with the pieces that lead to each."""
    if isinstance(choice, str):
        return {choice: path}
    assert choice.path[: len(path)] == path
    return {
        tag: way
        for piece, branch in choice.branches.items()
        for tag, way in leaves(branch, (*choice.path, piece)).items()
    }


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("open_label", [None, *SHARED])
def test_legal_tags_are_o_b_of_all_labels_and_i_of_the_open_one(name, open_label):
    trie = TagTrie(SHARED, target(name))
    found = leaves(trie.after(open_label))
    inside = [] if open_label is None else [f"I-{open_label}"]
    assert sorted(found) == sorted(["O", *(f"B-{label}" for label in SHARED), *inside])
    assert all(trie.pieces[tag][: len(path)] == path for tag, path in found.items())


@given(st.sampled_from(sorted(TOKENIZERS)), LABELS.filter(bool))
def test_pieces_lead_to_each_tag_alone_or_the_labels_are_refused(name, labels):
    pieces = {f"B-{label}": target(name).tag(f"B-{label}") for label in labels}
    clash = any(
        pieces[one] == pieces[other][: len(pieces[one])] for one, other in permutations(pieces, 2)
    )
    try:
        found = leaves(TagTrie(labels, target(name)).after(None))
    except ValueError as error:
        assert str(error).startswith(Errors.G516[:6]) and clash
        return
    assert not clash
    pieces["O"] = target(name).tag("O")
    assert sorted(found) == sorted(pieces)
    for tag, path in found.items():
        others = [own for other, own in pieces.items() if other != tag]
        assert pieces[tag][: len(path)] == path
        # The path is as long as it needs to be for no other tag to go on from it, and no longer.
        assert all(own[: len(path)] != path for own in others)
        assert any(own[: len(path) - 1] == path[:-1] for own in others)


def test_no_choice_is_left_where_pieces_are_forced():
    """Labels part where they differ, not piece by piece before."""
    trie = TagTrie(["person", "person name"], target("T5"))
    root = trie.after(None)
    assert root.path == () and set(root.branches) == {trie.outside, trie.pieces["B-person"][0]}
    inner = root.branches[trie.pieces["B-person"][0]]
    assert isinstance(inner, Choice)
    assert inner.path == trie.pieces["B-person"][:-1]
    assert inner.branches == {
        trie.pieces["B-person"][-1]: "B-person",
        trie.pieces["B-person name"][len(inner.path)]: "B-person name",
    }


def test_the_first_pieces_tell_o_and_i_apart():
    trie = TagTrie(["person", "city"], target("LLaMA"))
    assert trie.outside == trie.pieces["O"][0]
    assert trie.inside == {trie.pieces["I-person"][0], trie.pieces["I-city"][0]}
    assert trie.outside not in trie.inside


def test_what_every_b_begins_with():
    two = TagTrie(["person", "city"], target("T5"))
    assert two.begun == two.pieces["B-person"][:2] == two.pieces["B-city"][:2] != ()
    # Of one label there is nothing to choose.
    assert TagTrie(["person"], target("T5")).begun == ()


def test_all_pieces_that_can_be_chosen_have_ids_once():
    trie = TagTrie(["a", "a b"], target("T5"))
    assert trie.ids == sorted({piece for pieces in trie.pieces.values() for piece in pieces})
    assert set(target("T5").tag("I-a b")) <= set(trie.ids)


@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_label_that_ends_where_another_goes_on_is_refused(name):
    with pytest.raises(ValueError, match=r"\[G516\].*'a'.*\['a\) b'\].*'labels'"):
        TagTrie(["city", "a", "a) b"], target(name))


def test_labels_that_the_vocabulary_spells_alike_are_refused():
    with pytest.raises(ValueError, match=r"\[G516\].*'\{'.*\['<'\]"):
        TagTrie(["{", "<"], target("T5"))


def test_a_tokenizer_that_does_not_tell_o_b_and_i_apart_is_refused():
    """With the bracket in some tags' first piece only, and where all unknown letters are one."""
    with pytest.raises(ValueError, match=r"\[G510\]"):
        TagTrie(["a"], TargetPieces(byte_tokenizer("( O")))
    tokenizer = models.t5_tokenizer()
    unknown = [normalizers.Replace(letter, "{") for letter in "BI"]
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(unknown)
    with pytest.raises(ValueError, match=r"\[G510\]"):
        TagTrie(["a"], TargetPieces(tokenizer))
