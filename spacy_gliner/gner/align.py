"""From the words and tags that a model wrote back onto the words it was given.

Models leave words out, add some and change some. The paper (GNER, arXiv 2402.16602) compares words
as the vocabulary spells them, and goes through a hierarchy: all are equal, the generated ones are a
subsequence of the given ones, or they share a longest common subsequence. The first two are cases
of the third, so that one is all there is here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .bio import OUTSIDE, Pair, TagSet, compact, read_target

Match = tuple[int, int]
Spell = Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Alignment:
    """Tags for given words.

    tags: one a word.
    unmatched_words: words that no generated one matches: omitted or changed. Their tag is O.
    unmatched_pairs: generated words that match none: added or changed. Their tags are lost.
    """

    tags: list[str]
    unmatched_words: int
    unmatched_pairs: int


def recover_tags(text: str, words: Sequence[str], tags: TagSet, *, spell: Spell) -> Alignment:
    """Read a generated text, and find a tag for each word.

    words: those that the model was given.
    spell: encodes and decodes words with the model's vocabulary, so that one which the vocabulary
        cannot spell is equal to what the model can write for it.
    """
    spelled = compact(spell(words))
    return align(spelled, read_target(text, tags, spelled))


def align(words: Sequence[str], pairs: Sequence[Pair]) -> Alignment:
    """Hand over tags to the words that were generated, in order, lower or upper case."""
    given = [word.lower() for word in words]
    generated = [word.lower() for word, _ in pairs]
    matches = common_subsequence(given, generated)
    tags = [OUTSIDE] * len(words)
    for i, j in _closed_up(matches, given, pairs):
        tags[i] = pairs[j][1]
    return Alignment(tags, len(words) - len(matches), len(pairs) - len(matches))


def common_subsequence(first: Sequence[str], second: Sequence[str]) -> list[Match]:
    """A longest common subsequence: pairs of positions with equal words, in order.

    Equal beginnings and ends are part of one, and cost a comparison a word; mostly that is all.
    Between them the time is a step a word, each on integers of as many bits as there are words,
    however often words repeat.
    """
    shorter = min(len(first), len(second))
    head = 0
    while head < shorter and first[head] == second[head]:
        head += 1
    tail = 0
    while tail < shorter - head and first[-1 - tail] == second[-1 - tail]:
        tail += 1
    middle = _by_rows(first[head : len(first) - tail], second[head : len(second) - tail])
    return [
        *((i, i) for i in range(head)),
        *((head + i, head + j) for i, j in middle),
        *((len(first) - n, len(second) - n) for n in range(tail, 0, -1)),
    ]


def _by_rows(first: Sequence[str], second: Sequence[str]) -> list[Match]:
    """The plain dynamic programme, with each row of its table in the bits of one integer.

    Bit i of rows[j] is 0 if first[i] adds one to the length that first[:i] has in common with
    second[:j]. An addition carries one row to the next (Hyyrö 2004, "Bit-Parallel LCS-length
    Computation Revisited").
    """
    places: dict[str, int] = {}
    for i, word in enumerate(first):
        places[word] = places.get(word, 0) | 1 << i
    row = full = (1 << len(first)) - 1
    rows = [row]
    for word in second:
        matching = row & places.get(word, 0)
        row = (row + matching | row - matching) & full
        rows.append(row)
    matches: list[Match] = []
    i, j = len(first) - 1, len(second)
    while i >= 0 and j > 0:
        if rows[j] >> i & 1:
            i -= 1
        elif not rows[j - 1] >> i & 1:
            j -= 1
        else:
            matches.append((i, j - 1))
            i, j = i - 1, j - 1
    return matches[::-1]


def _closed_up(
    matches: Sequence[Match], given: Sequence[str], pairs: Sequence[Pair]
) -> list[Match]:
    """Of equally long subsequences, one that keeps the words of an entity together.

    In "the cat the dog", "the(B-pet) dog(I-pet)" means the second "the": a word and the I behind it
    move next to each other where the same word stands there.
    """
    closed = list(matches)

    def continued(k: int) -> bool:
        (_, j), (_, after) = closed[k : k + 2]
        return after == j + 1 and pairs[after][1].startswith("I-")

    for k in range(len(closed) - 1):
        (i, _), (place, j) = closed[k : k + 2]
        if continued(k) and given[i + 1] == given[place]:
            closed[k + 1] = (i + 1, j)
    for k in reversed(range(len(closed) - 1)):
        (place, j), (i, _) = closed[k : k + 2]
        if continued(k) and given[i - 1] == given[place]:
            closed[k] = (i - 1, j)
    return closed
