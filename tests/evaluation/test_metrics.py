import pytest

from spacy_gliner.evaluation.metrics import exact_scores, micro, normalise, text_score


def counts(score):
    return score.tp, score.fp, score.fn


def test_exact_spans_need_type_and_both_boundaries(make_answer):
    gold = [(0, 2, "person"), (3, 4, "city"), (5, 6, "city"), (7, 9, "river")]
    predicted = [
        (0, 2, "person"),
        (3, 4, "river"),
        (5, 7, "city"),
        (7, 9, "river"),
        (9, 10, "city"),
    ]
    by_type = exact_scores([make_answer("a b c d e f g h i j", gold, predicted)])
    assert {label: counts(score) for label, score in by_type.items()} == {
        "person": (1, 0, 0),
        "city": (0, 2, 2),
        "river": (1, 1, 0),
    }
    total = micro(by_type.values())
    assert counts(total) == (2, 3, 2)
    assert total.precision == pytest.approx(2 / 5)
    assert total.recall == pytest.approx(2 / 4)
    assert total.fscore == pytest.approx(4 / 9)


def test_counts_are_added_over_passages_not_rates(make_answer):
    answers = [
        make_answer("a", [(0, 1, "x")], [(0, 1, "x")]),
        make_answer("a b c d", [(0, 1, "x"), (1, 2, "x"), (2, 3, "x")], []),
    ]
    assert counts(micro(exact_scores(answers).values())) == (1, 0, 3)


def test_the_place_in_another_passage_does_not_count(make_answer):
    answers = [make_answer("a", [(0, 1, "x")], []), make_answer("a", [], [(0, 1, "x")])]
    assert counts(micro(exact_scores(answers).values())) == (0, 1, 1)
    assert counts(text_score(answers)) == (0, 1, 1)


def test_several_types_of_one_span_count_apart(make_answer):
    gold = [(0, 1, "person"), (0, 1, "writer")]
    by_type = exact_scores([make_answer("Ada", gold, [(0, 1, "writer")])])
    assert {label: counts(score) for label, score in by_type.items()} == {
        "person": (0, 0, 1),
        "writer": (1, 0, 0),
    }


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Hague", "hague"),
        ("Ballon d ' Or", "ballon d or"),
        ("U . S .", "u s"),
        ("Guns N' Roses", "guns n roses"),
        ("an Apple a day", "apple day"),
        ("theatre", "theatre"),
        ("« Élan »", "« élan »"),
        ("The", ""),
    ],
)
def test_texts_are_compared_without_articles_and_punctuation(text, normal):
    assert normalise(text) == normal


def test_text_pairs_count_once_a_passage_wherever_they_are(make_answer):
    given = make_answer(
        "The Hague and hague and Delft and Delft",
        gold=[(0, 2, "city"), (5, 6, "city"), (7, 8, "city")],
        predicted=[(3, 4, "city"), (5, 6, "river"), (7, 8, "river")],
    )
    assert counts(text_score([given])) == (1, 1, 1)
    assert counts(micro(exact_scores([given]).values())) == (0, 3, 3)


def test_the_same_text_with_another_type_is_another_pair(make_answer):
    given = make_answer("Paris", [(0, 1, "city"), (0, 1, "place")], [(0, 1, "place")])
    assert counts(text_score([given])) == (1, 0, 1)
