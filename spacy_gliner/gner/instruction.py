"""What the model is asked: the task, the labels and the sentence in one text."""

from collections.abc import Sequence
from dataclasses import dataclass

import catalogue

from ..errors import Errors

LABELS, SENTENCE = "{labels}", "{sentence}"

# Instructions by name. Others can be added here, or by an entry point.
instructions = catalogue.create("spacy_gliner", "gner_instructions", entry_points=True)


@dataclass(frozen=True)
class Instruction:
    """A template with the fields {labels} and {sentence}, once each. Other braces are text.

    Raises ValueError [G504] for a template without one of them, or with one twice.
    """

    template: str

    def __post_init__(self) -> None:
        for field in (LABELS, SENTENCE):
            if (count := self.template.count(field)) != 1:
                raise ValueError(
                    Errors.G504.format(template=self.template, field=field, count=count)
                )

    def around(self, labels: Sequence[str]) -> tuple[str, str]:
        """What stands before the sentence and behind it: the same for all texts of a label set."""
        before, _, behind = self.template.partition(SENTENCE)
        listed = ", ".join(labels)
        return before.replace(LABELS, listed), behind.replace(LABELS, listed)

    def write(self, words: Sequence[str], labels: Sequence[str]) -> str:
        """The whole input for one text.

        words: without white space in them (`bio.compact`).
        labels: what the model reads, in the order in which it is asked for them.
        """
        before, behind = self.around(labels)
        return before + " ".join(words) + behind


# To the letter what the published checkpoints were trained on, as their documentation has it
# (GNER, arXiv 2402.16602; github.com/yyDing1/GNER).
_GNER = (
    "Please analyze the sentence provided, identifying the type of entity for each word on a "
    "token-by-token basis.\n"
    "Output format is: word_1(label_1), word_2(label_2), ...\n"
    "We'll use the BIO-format to label the entities, where:\n"
    "1. B- (Begin) indicates the start of a named entity.\n"
    "2. I- (Inside) is used for words within a named entity but are not the first word.\n"
    "3. O (Outside) denotes words that are not part of a named entity.\n"
    "\n"
    "Use the specific entity tags: {labels} and O.\n"
    "Sentence: {sentence}"
)

instructions.register("GNER-T5", func=Instruction(_GNER))
instructions.register("GNER-LLaMA", func=Instruction(f"[INST] {_GNER} [/INST]"))
