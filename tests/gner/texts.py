"""Hostile words and labels: made of what tags are made of."""

from hypothesis import strategies as st

from spacy_gliner.errors import Errors
from spacy_gliner.gner.bio import TagSet, compact

PARTS = ["(", ")", "(O)", "(O", "O)", "(B-", "(I-", "B-", "I-", "-", "a", "b", "ab", "\u00e9"]
JOINED_PARTS = st.lists(st.sampled_from(PARTS), max_size=5).map("".join)
WORDS = st.lists(
    st.one_of(JOINED_PARTS, st.text(max_size=6).map(lambda text: compact([text])[0])), max_size=8
)
LABELS = st.lists(
    st.one_of(
        st.lists(st.sampled_from([*PARTS, " "]), max_size=6).map("".join), st.text(max_size=6)
    )
    .map(lambda text: " ".join(text.split()))
    .filter(bool),
    max_size=4,
    unique=True,
)


def readable(labels: list[str]) -> bool:
    """Whether the label set is accepted; if not, for the only reason there is."""
    try:
        TagSet(labels)
    except ValueError as error:
        assert str(error).startswith(Errors.G503[:6])
        return False
    return True


@st.composite
def tagged_texts(draw) -> tuple[list[str], list[str], list[str]]:
    """Words, labels, and any tag for each word."""
    words, labels = draw(WORDS), draw(LABELS.filter(readable))
    choices = ["O", *(f"{part}-{label}" for label in labels for part in "BI")]
    tags = st.lists(st.sampled_from(choices), min_size=len(words), max_size=len(words))
    return words, labels, draw(tags)
