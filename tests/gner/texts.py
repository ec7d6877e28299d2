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


def readable(labels: list[str], boundaries: str = "bio") -> bool:
    """Whether the label set is accepted; if not, for the only reasons there are."""
    try:
        TagSet(labels, boundaries=boundaries)
    except ValueError as error:
        reasons = [Errors.G503, *([Errors.G540] if "O" in labels else [])]
        assert str(error)[:6] in [reason[:6] for reason in reasons]
        return False
    return True


@st.composite
def tagged_texts(draw, boundaries: str = "bio") -> tuple[list[str], list[str], list[str]]:
    """Words, labels, and any tag for each word."""
    words = draw(WORDS)
    labels = draw(LABELS.filter(lambda labels: readable(labels, boundaries)))
    parts = "BI" if boundaries == "bio" else "I"
    choices = ["O", *(f"{part}-{label}" for label in labels for part in parts)]
    tags = st.lists(st.sampled_from(choices), min_size=len(words), max_size=len(words))
    return words, labels, draw(tags)
