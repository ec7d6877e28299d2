import json

import pytest

from spacy_gliner.gner.instruction import Instruction, instructions

# Line by line from the documentation of the published checkpoints.
PUBLISHED = [
    "Please analyze the sentence provided, identifying the type of entity for each word on a "
    "token-by-token basis.",
    "Output format is: word_1(label_1), word_2(label_2), ...",
    "We'll use the BIO-format to label the entities, where:",
    "1. B- (Begin) indicates the start of a named entity.",
    "2. I- (Inside) is used for words within a named entity but are not the first word.",
    "3. O (Outside) denotes words that are not part of a named entity.",
    "",
    "Use the specific entity tags: genre, average ratings, year and O.",
    "Sentence: did anyone whistle in 1934 ?",
]
WORDS = ["did", "anyone", "whistle", "in", "1934", "?"]
LABELS = ["genre", "average ratings", "year"]


def test_t5_reads_what_it_was_trained_on():
    assert instructions.get("GNER-T5").write(WORDS, LABELS) == "\n".join(PUBLISHED)


def test_llama_reads_it_between_its_marks():
    expected = "[INST] " + "\n".join(PUBLISHED) + " [/INST]"
    assert instructions.get("GNER-LLaMA").write(WORDS, LABELS) == expected


def test_the_part_that_is_constant_is_as_long_as_the_published_one():
    before, _ = instructions.get("GNER-T5").around(LABELS)
    constant = before.partition("\nUse the specific")[0]
    # The authors' instruction.json: a list of this one string, of 439 characters.
    assert len(json.dumps([constant], indent=4)) == 439


def test_the_parts_around_the_sentence_do_not_depend_on_it():
    instruction = Instruction("Find {labels} in: {sentence} (only {these})")
    assert instruction.around(["a", "b"]) == ("Find a, b in: ", " (only {these})")
    assert instruction.write(["x", "y"], ["a"]) == "Find a in: x y (only {these})"


def test_labels_may_stand_behind_the_sentence():
    assert Instruction("{sentence} | {labels}").write(["x"], ["a", "b"]) == "x | a, b"


def test_fields_in_words_and_labels_are_text():
    instruction = Instruction("{labels}: {sentence}")
    written = instruction.write(["{labels}", "{0}"], ["{sentence}", "{labels}"])
    assert written == "{sentence}, {labels}: {labels} {0}"


def test_others_can_add_an_instruction():
    own = Instruction("{sentence} {labels}?")
    instructions.register("test-own", func=own)
    assert instructions.get("test-own") is own
    assert {"GNER-T5", "GNER-LLaMA"} <= set(instructions.get_all())


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{sentence}", r"\[G504\].*\{labels\} 0 times.*\{labels\} and \{sentence\}"),
        ("{labels}", r"\[G504\].*\{sentence\} 0 times"),
        ("{labels} {sentence} {sentence}", r"\[G504\].*\{sentence\} 2 times"),
    ],
)
def test_a_template_needs_both_fields_once(template, message):
    with pytest.raises(ValueError, match=message):
        Instruction(template)
