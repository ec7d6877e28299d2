import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gliner.evaluation.gold import Mention, Question, question
from spacy_gliner.evaluation.predict import Answer, above, answer, find_component
from spacy_gliner.gliner.decode import MODES, Candidates, decode

COMPONENT = "fake_gliner"


def test_each_passage_is_asked_for_its_own_types(make_nlp, make_passage):
    passages = [
        make_passage("Ada left Paris", label_set=("city",)),
        make_passage("Ada left Paris", label_set=("person",)),
    ]
    city, person = answer(make_nlp(), COMPONENT, [question(p) for p in passages])
    assert city.scores == {(2, 3, "city"): pytest.approx(0.8)}
    assert person.scores == {
        (0, 1, "person"): pytest.approx(0.9),
        (2, 3, "person"): pytest.approx(0.6),
    }


def test_a_question_without_labels_has_an_empty_answer_in_its_place(make_nlp, make_passage):
    passages = [make_passage("Ada left"), make_passage("Ada came", label_set=("person",))]
    questions = [question(p) for p in passages]
    answers = answer(make_nlp(), COMPONENT, questions)
    assert [a.question for a in answers] == questions
    assert [len(a.scores) for a in answers] == [0, 1]


def test_gold_is_not_shown_to_the_component(make_nlp, make_passage):
    passage = make_passage("Oslo is cold", (0, 1, "city"), label_set=("city",))
    (given,) = answer(make_nlp(), COMPONENT, [question(passage)])
    assert given.question.gold == {(0, 1, "city")}
    assert given.scores == {}


@pytest.mark.parametrize("mode", ["nested", "multi_label"])
def test_other_modes_are_read_from_the_span_group(make_nlp, make_passage, mode):
    passage = make_passage("see the Paris", label_set=("city", "hotel", "person"))
    (given,) = answer(make_nlp(mode, threshold=0.35), COMPONENT, [question(passage)])
    nested = {(2, 3, "city"): 0.8, (1, 3, "hotel"): 0.4}
    both = nested | {(2, 3, "person"): 0.6}
    assert given.scores == pytest.approx(both if mode == "multi_label" else nested)


def test_types_are_compared_in_lower_case(make_nlp, make_passage):
    nlp = make_nlp(lexicon=[["Oslo", "City", 0.9]])
    passage = make_passage("Oslo is cold", (0, 1, "City"), label_set=("City",))
    (given,) = answer(nlp, COMPONENT, [question(passage, lower_labels=False)])
    assert given.scores.keys() == given.question.gold


def test_other_components_do_not_take_part(make_nlp, make_passage):
    nlp = make_nlp()
    ruler = nlp.add_pipe("entity_ruler", first=True)
    ruler.add_patterns([{"label": "city", "pattern": "Oslo"}])
    (given,) = answer(nlp, COMPONENT, [question(make_passage("Oslo", label_set=("city",)))])
    assert given.scores == {}
    assert nlp.pipe_names == ["entity_ruler", COMPONENT]


def test_the_component_is_found_by_name_only_if_it_is_not_of_our_factory(make_nlp):
    nlp = make_nlp()
    assert find_component(nlp, COMPONENT) == COMPONENT
    with pytest.raises(ValueError, match=r"G303.*fake_gliner"):
        find_component(nlp)
    with pytest.raises(ValueError, match=r"G303.*ner"):
        find_component(nlp, "ner")


# Few, exact in float32: ties, and scores that equal a threshold, are common.
SIXTEENTHS = st.integers(1, 15).map(lambda n: n / 16)
ROWS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 4), st.integers(0, 2), SIXTEENTHS), max_size=30
)


def decoded(rows, threshold: float, mode: str) -> Answer:
    """What a component answers that has these candidates."""
    ints = np.array([(s, s + width, t) for s, width, t, _ in rows], dtype=np.int32).reshape(-1, 3)
    candidates = Candidates(*ints.T, np.array([score for *_, score in rows], dtype=np.float32))
    kept = decode(candidates[candidates.score > threshold], mode)
    columns = (column.tolist() for column in (kept.start, kept.end, kept.type, kept.score))
    scores = {Mention(s, e, str(t)): score for s, e, t, score in zip(*columns, strict=True)}
    return Answer(Question((), (), (), frozenset()), scores)


@settings(deadline=None)
@given(ROWS, SIXTEENTHS, SIXTEENTHS, st.sampled_from(MODES))
def test_raising_the_threshold_afterwards_is_the_same_as_decoding_at_it(rows, one, other, mode):
    low, high = sorted((one, other))
    assert above([decoded(rows, low, mode)], high) == [decoded(rows, high, mode)]
