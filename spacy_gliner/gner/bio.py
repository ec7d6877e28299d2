"""BIO tags, and the target: words with their tags as one text, `word(tag) word(tag)`.

Everywhere a tag is B-label, I-label or O. A target has them as they are ("bio"), or without their
beginnings ("plain", an ablation of the paper, arXiv 2402.16602): then I-label is written as the
label alone, and spans of one label that touch are one.
"""

from collections.abc import Collection, Iterable, Sequence

from ..errors import Errors

OUTSIDE = "O"
BIO, PLAIN = BOUNDARIES = ("bio", "plain")

Span = tuple[int, int, str]
Pair = tuple[str, str]


def spans_to_tags(spans: Iterable[Span], n_words: int, *, boundaries: str = BIO) -> list[str]:
    """One tag a word: B-label opens a span, I-label continues it, O is outside of all.

    With plain boundaries I-label opens it too.
    spans: (first word, one after the last, label), in any order.
    Raises ValueError: [G501] for a span that is empty or outside of the text, [G502] for spans
    that share a word.
    """
    first = "I" if boundaries == PLAIN else "B"
    tags = [OUTSIDE] * n_words
    for start, end, label in spans:
        if not 0 <= start < end <= n_words:
            raise ValueError(Errors.G501.format(span=(start, end, label), n_words=n_words))
        if any(tag != OUTSIDE for tag in tags[start:end]):
            raise ValueError(Errors.G502.format(span=(start, end, label)))
        tags[start:end] = [f"{first}-{label}", *[f"I-{label}"] * (end - start - 1)]
    return tags


def tags_to_spans(tags: Sequence[str]) -> list[Span]:
    """The spans of well-formed or malformed tags, in order.

    An I that continues no span of its own label opens one: behind O, and behind another label.
    """
    spans: list[Span] = []
    start, label = 0, ""
    for i, tag in enumerate((*tags, OUTSIDE)):
        if label and tag == f"I-{label}":
            continue
        if label:
            spans.append((start, i, label))
        start, label = i, tag[2:]
    return spans


def compact(words: Iterable[str]) -> list[str]:
    """Words as a model is given them, without white space in them, which would look like two."""
    return ["".join(word.split()) for word in words]


def write_tag(tag: str, *, boundaries: str = BIO) -> str:
    """A tag as it stands between the brackets.

    Raises ValueError [G540] if a plain one would look like O.
    """
    if boundaries != PLAIN or tag == OUTSIDE:
        return tag
    label = tag.removeprefix("I-")
    if label == OUTSIDE:
        raise ValueError(Errors.G540)
    return label


def write_target(words: Sequence[str], tags: Sequence[str], *, boundaries: str = BIO) -> str:
    """The text that the model is to write. words: without white space in them."""
    return " ".join(
        f"{word}({write_tag(tag, boundaries=boundaries)})"
        for word, tag in zip(words, tags, strict=True)
    )


class TagSet:
    """The tags of a label set, and where one stands in a text.

    labels: what the model reads (`LabelSet.prompts`): distinct, white space normalised. They may
        contain brackets, but if one ended with a tag of the set, as "x(B-a" does beside "a", a
        target could be read in two ways.
    boundaries: how tags are written.
    Raises ValueError: [G503] for such a label, [G540] for a plain label that is called O.
    """

    def __init__(self, labels: Iterable[str], *, boundaries: str = BIO) -> None:
        parts = "I" if boundaries == PLAIN else "BI"
        tags = (OUTSIDE, *(f"{part}-{label}" for label in labels for part in parts))
        self._tags = {f"({write_tag(tag, boundaries=boundaries)})": tag for tag in tags}
        self._sizes = sorted(set(map(len, self._tags)))
        # What tells a tag of another label from a word in brackets.
        self._openings = () if boundaries == PLAIN else ("(B-", "(I-")
        for written, tag in self._tags.items():
            if (last := self.before(written, len(written))) and last[1] != tag:
                raise ValueError(Errors.G503.format(label=tag[2:], tag=last[1]))

    def before(self, text: str, end: int) -> tuple[int, str] | None:
        """The tag whose bracket closes at `end`: where its bracket opens, and what it is.

        A label that is not of the set is read as O, but a plain one is no tag. None if no tag ends
        there.
        """
        if not text.endswith(")", 0, end):
            return None
        for size in self._sizes:
            if size <= end and (tag := self._tags.get(text[end - size : end])):
                return end - size, tag
        start = text.rfind("(", 0, end)
        if text[start : start + 3] in self._openings and ")" not in text[start : end - 1]:
            return start, OUTSIDE
        return None


def read_target(text: str, tags: TagSet, words: Collection[str]) -> list[Pair]:
    """The words and tags of a generated text, in order.

    The text is read by position, from its end: what closes there is a tag, and the word before it
    goes back to white space. Words have none, and no tag of the set ends with another one; so each
    step is forced, and every target gives its words and tags back exactly, whatever brackets stand
    in words and labels.

    Where a text is no target, as little as possible is lost:
    - a word without a tag is O, as is one whose label is not of the set;
    - white space between a word and its tag is passed over;
    - where it lacks behind a tag, "Rome(B-city),(O)", the tag ends the word, unless the whole is
      one of `words`, those of the text asked for as the model spells them.
    """
    text = " ".join(text.split())
    known = frozenset(words)
    pairs: list[Pair] = []
    end = len(text)
    while end > 0:
        word_end, tag = tags.before(text, end) or (end, OUTSIDE)
        # A space behind a tag parts it from the next pair, whose word is empty.
        if text.endswith(" ", 0, word_end) and not tags.before(text, word_end - 1):
            word_end -= 1
        start = text.rfind(" ", 0, word_end) + 1
        if text[start:word_end] not in known:
            start = _after_last_tag(text, tags, start, word_end)
        pairs.append((text[start:word_end], tag))
        end = start - 1 if text.endswith(" ", 0, start) else start
    return pairs[::-1]


def _after_last_tag(text: str, tags: TagSet, start: int, end: int) -> int:
    """Where the last tag in text[start:end] ends; `start` if there is none."""
    close = text.rfind(")", start, end)
    while close >= 0:
        if tags.before(text, close + 1):
            return close + 1
        close = text.rfind(")", start, close)
    return start
