from hypothesis import given, settings
from hypothesis import strategies as st

from spacy_gliner.evaluation.gold import Mention, Question
from spacy_gliner.evaluation.metrics import exact_scores, micro
from spacy_gliner.evaluation.mistakes import count_mistakes
from spacy_gliner.evaluation.predict import Answer

TEXT = "a b c d e f g h"


def fp(wrong_type=0, wrong_boundaries=0, spurious=0):
    return {"wrong_type": wrong_type, "wrong_boundaries": wrong_boundaries, "spurious": spurious}


def fn(wrong_type=0, wrong_boundaries=0, missed=0):
    return {"wrong_type": wrong_type, "wrong_boundaries": wrong_boundaries, "missed": missed}


def test_nothing_wrong(make_answer):
    right = make_answer(TEXT, [(0, 2, "x")], [(0, 2, "x")])
    assert count_mistakes([right]) == {"fp": fp(), "fn": fn()}


def test_a_wrong_type_has_the_boundaries_of_a_missed_span(make_answer):
    wrong = make_answer(TEXT, [(0, 2, "x")], [(0, 2, "y")])
    assert count_mistakes([wrong]) == {"fp": fp(wrong_type=1), "fn": fn(wrong_type=1)}


def test_wrong_boundaries_overlap_a_missed_span_of_the_type(make_answer):
    wrong = make_answer(TEXT, [(1, 3, "x"), (4, 6, "x")], [(2, 5, "x")])
    assert count_mistakes([wrong]) == {"fp": fp(wrong_boundaries=1), "fn": fn(wrong_boundaries=2)}


def test_neighbours_do_not_overlap(make_answer):
    wrong = make_answer(TEXT, [(0, 2, "x")], [(2, 4, "x")])
    assert count_mistakes([wrong]) == {"fp": fp(spurious=1), "fn": fn(missed=1)}


def test_another_type_with_other_boundaries_is_neither(make_answer):
    wrong = make_answer(TEXT, [(0, 2, "x")], [(0, 3, "y")])
    assert count_mistakes([wrong]) == {"fp": fp(spurious=1), "fn": fn(missed=1)}


def test_the_type_is_blamed_before_the_boundaries(make_answer):
    wrong = make_answer(TEXT, [(0, 2, "x"), (1, 4, "y")], [(0, 2, "y")])
    assert count_mistakes([wrong]) == {
        "fp": fp(wrong_type=1),
        "fn": fn(wrong_type=1, wrong_boundaries=1),
    }


def test_spans_that_were_found_explain_nothing(make_answer):
    gold = [(0, 4, "x"), (5, 6, "x")]
    predicted = [(0, 4, "x"), (1, 2, "x"), (0, 4, "y")]
    wrong = make_answer(TEXT, gold, predicted)
    assert count_mistakes([wrong]) == {"fp": fp(spurious=2), "fn": fn(missed=1)}


MENTIONS = st.frozensets(
    st.builds(
        lambda start, width, label: Mention(start, start + width, label),
        st.integers(0, 6),
        st.integers(1, 3),
        st.sampled_from("xyz"),
    ),
    max_size=10,
)
ANSWER = st.builds(
    lambda gold, predicted: Answer(Question((), (), (), gold), dict.fromkeys(predicted, 0.5)),
    MENTIONS,
    MENTIONS,
)


@settings(deadline=None)
@given(st.lists(ANSWER, max_size=4))
def test_the_kinds_add_up_to_all_mistakes(answers):
    mistakes, total = count_mistakes(answers), micro(exact_scores(answers).values())
    assert sum(mistakes["fp"].values()) == total.fp
    assert sum(mistakes["fn"].values()) == total.fn
