"""What a conversion kept, and what it dropped and why."""

from collections import Counter
from dataclasses import dataclass, field

from .passage import Passage

MAX_EXAMPLES = 5


class Rejected(ValueError):
    """A record that cannot become a passage; its message is the cause that is counted."""


@dataclass
class Report:
    """Counts of one conversion; passed along and added to while the passages stream by.

    types: how many spans bear each type.
    dropped: how often each (kind, cause) occurred; kinds are "passage", "span", "word",
        "label" (of a closed set), "absent type", "answer" (to one question of Pile-NER), and "tag"
        for BIO tags that were repaired.
    examples: for each (kind, cause), where the first few were and what they looked like.
    """

    passages: int = 0
    words: int = 0
    spans: int = 0
    types: Counter[str] = field(default_factory=Counter)
    dropped: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def keep(self, passage: Passage) -> None:
        """Count a passage that is written."""
        self.passages += 1
        self.words += len(passage.words)
        self.spans += len(passage.spans)
        self.types.update(label for _, _, label in passage.spans)

    def drop(self, kind: str, cause: str, example: str) -> None:
        """Count something that is not written, and keep the example if it is among the first."""
        self.dropped[kind, cause] += 1
        examples = self.examples.setdefault((kind, cause), [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(example)
