"""Targets in word pieces, by tokenizers that treat brackets each in its own way."""

from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, WordLevel
from transformers import PreTrainedTokenizerFast

from spacy_gliner.gner.bio import write_target
from spacy_gliner.gner.target import TargetPieces

from .. import tiny
from . import models
from .texts import tagged_texts

# LLaMA-3 splits texts so; a mark before letters stays with them.
LLAMA_3 = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|\s+"
TAGS = ["B-city", "I-city", "O", "B-university (of a city)", "O", "B-per son"]

t5_tokenizer, llama_tokenizer = cache(models.t5_tokenizer), cache(models.llama_tokenizer)


def byte_tokenizer(*merges: str, pattern: str | None = None) -> PreTrainedTokenizerFast:
    """Bytes, and these merges: two pieces with a space between; in pieces it is \u0120."""
    pairs = [tuple(merge.split()) for merge in merges]
    pieces = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *map("".join, pairs), "</s>"]
    tokenizer = Tokenizer(BPE(vocab={p: i for i, p in enumerate(pieces)}, merges=pairs))
    parts = [pre_tokenizers.Split(Regex(pattern), "isolated")] if pattern else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*parts, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>")


def llama_2_tokenizer(*merges: str) -> PreTrainedTokenizerFast:
    """As LLaMA-2's: a space before the text, none between words, bytes for what it lacks."""
    pairs = [tuple(merge.split()) for merge in merges]
    pieces = ["<unk>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581"]
    pieces += [*models.ascii_letters, *".,()-", *map("".join, pairs)]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    tokenizer = Tokenizer(
        BPE(vocab=vocabulary, merges=pairs, unk_token="<unk>", byte_fallback=True)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("\u2581", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>", unk_token="<unk>")


def join(tokenizer, words: Sequence[str], tags: Sequence[str]) -> list[int]:
    """The target as forced decoding reads it and training learns it."""
    target = TargetPieces(tokenizer)
    pairs = zip(target.words(words), tags, strict=True)
    return [piece for word, tag in pairs for piece in (*word, *target.tag(tag))]


def encode(tokenizer, text: str) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def spell(tokenizer, words: Sequence[str]) -> list[list[str]]:
    """The pieces of each word, to where its tag is chosen."""
    return [tokenizer.convert_ids_to_tokens(ids) for ids in TargetPieces(tokenizer).words(words)]


def spell_tag(tokenizer, tag: str) -> list[str]:
    return tokenizer.convert_ids_to_tokens(TargetPieces(tokenizer).tag(tag))


def read(tokenizer, ids: Sequence[int]) -> str:
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False)


# Pieces spell the target


@given(tagged_texts())
def test_bytes_spell_every_target_exactly(text):
    words, _, tags = text
    decoded = read(llama_tokenizer(), join(llama_tokenizer(), words, tags))
    assert decoded == " " * bool(words) + write_target(words, tags)


@pytest.mark.parametrize(
    ("word", "spelled"),
    [
        ("Oslo", "Oslo"),
        ("f(x)", "f(x)"),
        ("(B-city)", "(B-city)"),
        ("{Oslo}", "<unk>Oslo<unk>"),
        ("\ufb01n", "fin"),
        ("\u4e2d\u4e2d.", "<unk>."),
        ("", ""),
    ],
)
def test_words_and_letters_spell_what_they_can(word, spelled):
    words = ["Bergen", word, "Oslo"]
    ids = join(t5_tokenizer(), words, ["O", "B-city", "I-city"])
    assert read(t5_tokenizer(), ids) == f"Bergen(O) {spelled}(B-city) Oslo(I-city)"


@pytest.mark.parametrize("start", ["", " "])
@given(text=tagged_texts())
def test_a_target_has_the_pieces_of_its_text(start, text):
    """So a model that was trained on whole texts, as the published ones, is asked what it knows."""
    words, _, tags = text
    tokenizer = llama_tokenizer() if start else t5_tokenizer()
    written = start * bool(words) + write_target(words, tags)
    assert join(tokenizer, words, tags) == encode(tokenizer, written)


@pytest.mark.parametrize("start", ["", " "])
def test_a_plain_text_has_the_pieces_of_its_text(start):
    tokenizer = llama_tokenizer() if start else t5_tokenizer()
    words = " ".join(tiny.SENTENCES).split()
    tags = (TAGS * len(words))[: len(words)]
    joined = join(tokenizer, words, tags)
    assert joined == encode(tokenizer, start + write_target(words, tags))


def test_no_words():
    assert TargetPieces(t5_tokenizer()).words([]) == []


def test_words_that_the_normaliser_deletes():
    tokenizer = models.t5_tokenizer()
    deleting = [tokenizer.backend_tokenizer.normalizer, normalizers.Replace("\u200b", "")]
    tokenizer.backend_tokenizer.normalizer = normalizers.Sequence(deleting)
    words = ["\u200b", "Os\u200blo", "Oslo\u200b", "\u200bOslo"]
    oslo = ["\u2581Oslo", "("]
    assert spell(tokenizer, words) == [["\u2581", "("], oslo, oslo, oslo]


# Where the bracket goes


def test_a_word_may_end_in_one_piece_with_its_bracket():
    tokenizer = byte_tokenizer(". (", "\u0120 .(", "( (")
    words = ["x", ".", "x.", "("]
    spelled = [["\u0120", "x", "("], ["\u0120.("], ["\u0120", "x", ".("], ["\u0120", "(("]]
    assert spell(tokenizer, words) == spelled
    assert spell_tag(tokenizer, "B-a") == ["B", "-", "a", ")"]
    tags = ["O", "B-a", "I-a", "O"]
    assert join(tokenizer, words, tags) == encode(tokenizer, " " + write_target(words, tags))


def test_a_bracket_that_is_one_piece_with_the_tag_is_chosen_with_it():
    tokenizer = byte_tokenizer("( O", "( B", "( I", ". (", pattern=LLAMA_3)
    assert spell(tokenizer, ["x"]) == [["\u0120", "x"]]
    assert [spell_tag(tokenizer, tag)[0] for tag in ("O", "B-a", "I-a")] == ["(O", "(B", "(I"]
    words, tags = ["Oslo", "f(x)", "(B-a)"], ["B-city", "I-city", "O"]
    assert read(tokenizer, join(tokenizer, words, tags)) == " " + write_target(words, tags)
    # A mark before the bracket would be one piece with it, but the tag must be chosen behind it.
    assert spell(tokenizer, ["x."]) == [["\u0120", "x", "."]]


def test_a_word_that_would_be_one_piece_with_its_tag_is_spelled_apart():
    tokenizer = byte_tokenizer(". (", ".( O")
    assert spell(tokenizer, ["x", "."]) == [["\u0120", "x", "("], ["\u0120", ".", "("]]
    assert read(tokenizer, join(tokenizer, ["."], ["O"])) == " .(O)"


def test_llama_2():
    tokenizer = llama_2_tokenizer("\u2581 t", ". (", ") )", "\u2581 (")
    words = ["t", ".", "\u2602", "(t)", "e\u0301", ""]
    tags = ["O", "B-t (of t)", "I-t (of t)", "O", "B-t", "O"]
    assert spell(tokenizer, words)[:3] == [
        ["\u2581t", "("],
        ["\u2581", ".("],
        ["\u2581", "<0xE2>", "<0x98>", "<0x82>", "("],
    ]
    assert spell_tag(tokenizer, "B-t (t)") == ["B", "-", "t", "\u2581(", "t", "))"]
    joined = join(tokenizer, words, tags)
    assert joined == encode(tokenizer, write_target(words, tags))
    assert read(tokenizer, joined) == write_target(words, tags)


@pytest.mark.parametrize(
    "tokenizer",
    [
        byte_tokenizer("( O", "a (O"),
        byte_tokenizer("( O", "a ("),
        byte_tokenizer("( B", "a (B", "( O"),
    ],
    ids=["a(O", "a( or (O", "a(B or (O"],
)
def test_a_tokenizer_that_joins_words_and_tags_is_refused(tokenizer):
    tokenizer.name_or_path = "some-model"
    with pytest.raises(ValueError, match=r"\[G510\].*'some-model'"):
        TargetPieces(tokenizer)


def test_a_tokenizer_of_whole_words_is_refused():
    tokenizer = Tokenizer(WordLevel({"<unk>": 0, "</s>": 1}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    with pytest.raises(ValueError, match=r"\[G510\]"):
        TargetPieces(PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="</s>"))
