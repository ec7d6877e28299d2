"""Which words of a text its target has: all of them, or those around entities.

The paper (GNER, arXiv 2402.16602) shows by this that a model learns from what is no entity.
"""

from collections.abc import Sequence

from .bio import OUTSIDE
from .config import FULL


def kept_words(tags: Sequence[str], context: int | str) -> list[int]:
    """The words that the target has, in order.

    tags: one a word.
    context: "full" keeps all words; a number keeps the words of entities and so many on each side
        of them. A text without entities then has an empty target.
    """
    if context == FULL:
        return list(range(len(tags)))
    reach = int(context)
    near = {
        neighbour
        for word, tag in enumerate(tags)
        if tag != OUTSIDE
        for neighbour in range(word - reach, word + reach + 1)
    }
    return [word for word in range(len(tags)) if word in near]
