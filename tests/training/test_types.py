from collections import Counter
from random import Random

import pytest

from spacy_gliner.training.rows import Row
from spacy_gliner.training.settings import TrainingSettings
from spacy_gliner.training.thesaurus import GENERAL, Thesaurus
from spacy_gliner.training.types import Question, Questioner, TypePool, unique

from ..tiny import passage

THESAURUS = Thesaurus(
    {
        "poet": ("writer", "person"),
        "writer": ("person",),
        "capital": ("city", "place"),
        "city": ("place",),
        **{f"kind {i} of thing": ("thing",) for i in range(GENERAL)},
    },
    {"person": ("human being",), "poet": ("bard",)},
)
OPEN = passage(
    "Ada Moen met Olaf in Oslo .", ("Ada Moen", "poet"), ("Olaf", "person"), ("Oslo", "city")
)
CLOSED = passage(
    "Olaf saw Oslo .", ("Olaf", "person"), label_set=("person", "city", "river", "award")
)
SEEDS = range(60)


def make(seed: int, *, pool=(), thesaurus=THESAURUS, **settings) -> Questioner:
    questioner = Questioner(TrainingSettings(**settings), thesaurus, Random(seed))
    for type_ in pool:
        questioner.pool.add(passage("x", ("x", type_)))
    return questioner


def ask(seed: int, *passages, **settings) -> Question:
    return make(seed, **settings).ask(Row(passages))


def answers(question: Question) -> dict[tuple[int, int], set[str]]:
    """The types of each positive span, as they are shown."""
    found: dict[tuple[int, int], set[str]] = {}
    for start, end, index in question.positives:
        found.setdefault((start, end), set()).add(question.types[index])
    return found


def known(question: Question, type_: str, passage_number: int = 0) -> bool:
    return bool(question.known[passage_number, question.types.index(type_)])


@pytest.mark.parametrize("max_types", [1, 2, 3, 5, 12])
def test_no_more_types_are_asked_than_allowed(max_types):
    pool = [f"type {i}" for i in range(30)]
    many = passage("a b c d e", *((w, f"{w} {i}") for w in "abcde" for i in range(3)))
    for seed in SEEDS:
        for row in (OPEN, CLOSED, many):
            question = ask(seed, row, pool=pool, max_types=max_types, widening=0.5)
            assert 1 <= len(question.types) <= max_types
            assert question.known.shape == (1, len(question.types))


def test_types_are_asked_once_whatever_their_case():
    row = passage("a b", ("a", "City"), ("b", "city"), absent=("CITY", "river"))
    for seed in SEEDS:
        types = [type_.lower() for type_ in ask(seed, row, pool=["cIty"]).types]
        assert len(types) == len(set(types))


def test_marked_spans_are_positive_for_their_types():
    question = ask(0, OPEN, type_dropout=0.0, special_type_wins=1.0)
    assert answers(question) == {(0, 2): {"poet"}, (3, 4): {"person"}, (5, 6): {"city"}}


def test_positives_are_only_of_asked_types():
    dropped = Counter()
    for seed in SEEDS:
        question = ask(seed, OPEN, type_dropout=1.0)
        bearing = {span: types for span, types in answers(question).items()}
        dropped.update(type_ for type_ in ("poet", "person", "city") if type_ not in question.types)
        for (start, end), types in bearing.items():
            (mark,) = [t for s, e, t in OPEN.spans if (s, e) == (start, end)]
            assert all(THESAURUS.covers(type_, [mark]) for type_ in types)
    assert all(dropped[type_] for type_ in ("poet", "person", "city"))


@pytest.mark.parametrize("share, types", [(1.0, {"poet"}), (0.0, {"poet", "person"})])
def test_the_special_type_wins_where_both_are_asked(share, types):
    row = passage("Ada sang to Olaf", ("Ada", "poet"), ("Olaf", "person"))
    for seed in SEEDS:
        question = ask(seed, row, type_dropout=0.0, special_type_wins=share)
        assert answers(question) == {(0, 1): types, (3, 4): {"person"}}
        assert known(question, "person")


def test_the_special_type_wins_in_a_share_of_the_rows():
    row = passage("Ada sang to Olaf", ("Ada", "poet"), ("Olaf", "person"))
    sizes = [
        len(answers(ask(s, row, type_dropout=0.0, special_type_wins=0.5))[0, 1]) for s in SEEDS
    ]
    assert 0.3 < sizes.count(1) / len(sizes) < 0.7


def test_a_broader_type_is_positive_where_it_alone_is_asked():
    row = passage("Ada sang", ("Ada", "poet"))
    seen = Counter()
    for seed in SEEDS:
        question = ask(seed, row, widening=1.0, special_type_wins=1.0)
        types = set(question.types) & {"poet", "writer", "person"}
        narrowest = next(t for t in ("poet", "writer", "person") if t in types)
        assert answers(question) == {(0, 1): {narrowest}}
        seen[narrowest] += 1
    assert seen["poet"] and seen["writer"] + seen["person"]


@pytest.mark.parametrize("type_", ["poet", "writer", "human being"])
def test_what_may_hide_behind_a_mark_is_unknown(type_):
    row = passage("Olaf ran", ("Olaf", "person"))
    question = next(q for q in (ask(s, row, pool=[type_]) for s in SEEDS) if type_ in q.types)
    assert not known(question, type_)
    assert known(question, "person")


def test_what_is_stated_absent_is_known_though_it_may_hide():
    row = passage("Olaf ran", ("Olaf", "person"), absent=("poet",))
    question = next(q for q in (ask(s, row) for s in SEEDS) if "poet" in q.types)
    assert known(question, "poet")
    assert answers(question) == {(0, 1): {"person"}}


def test_unrelated_types_of_other_passages_are_negatives():
    question = ask(1, OPEN, pool=["river", "award"], type_dropout=0.0)
    foreign = {"river", "award"} & set(question.types)
    assert foreign and all(known(question, type_) for type_ in foreign)


def test_a_general_type_is_unknown_unless_it_was_asked_of_the_annotators():
    found = [q for q in (ask(s, OPEN, pool=["thing"]) for s in SEEDS) if "thing" in q.types]
    assert found and not any(known(question, "thing") for question in found)
    stated = passage("Olaf ran", ("Olaf", "person"), absent=("thing",))
    found = [q for q in (ask(s, stated) for s in SEEDS) if "thing" in q.types]
    assert found and all(known(question, "thing") for question in found)


def test_a_closed_set_is_known_and_nothing_else_is_asked():
    whole = 0
    for seed in SEEDS:
        question = ask(seed, CLOSED, pool=["stranger"])
        assert set(question.types) <= set(CLOSED.label_set)
        assert question.known.all()
        whole += len(question.types) == len(CLOSED.label_set)
    assert whole > len(SEEDS) / 3


def test_a_general_type_is_known_where_a_kind_of_it_is_marked():
    row = passage("Ada ran", ("Ada", "kind 0 of thing"))
    found = [q for q in (ask(s, row, widening=1.0) for s in SEEDS) if "thing" in q.types]
    assert found and all(known(question, "thing") for question in found)


def test_a_type_outside_the_closed_set_is_unknown():
    first = passage("Ada ran", ("Ada", "stranger"), label_set=("river",))
    second = passage("Olaf ran", label_set=("river",))
    question = ask(0, first, second, type_dropout=0.0)
    assert answers(question) == {(0, 1): {"stranger"}}
    assert known(question, "stranger", 0) and not known(question, "stranger", 1)


def test_a_passage_knows_only_its_own_types():
    first = passage("Olaf ran", ("Olaf", "person"), absent=("river",))
    second = passage("Oslo grew", ("Oslo", "place"), absent=("award",))
    for seed in SEEDS:
        question = ask(seed, first, second, type_dropout=0.0)
        assert answers(question) == {(0, 1): {"person"}, (2, 3): {"place"}}
        assert known(question, "person", 0) and known(question, "place", 1)
        assert known(question, "place", 0), "no mark of the first passage can hide a place"


def test_a_relative_of_another_passage_is_unknown_in_this_one():
    poet, human = passage("Ada sang", ("Ada", "poet")), passage("Olaf ran", ("Olaf", "person"))
    question = ask(0, poet, human, type_dropout=0.0, special_type_wins=1.0)
    assert answers(question) == {(0, 1): {"poet"}, (2, 3): {"person"}}
    assert known(question, "poet", 0) and known(question, "person", 0)
    assert not known(question, "poet", 1), "the person in the second passage may be a poet"


def test_renaming_keeps_the_meaning_of_indexes():
    shown_as = {"poet": "bard", "person": "human being", "city": "city"}
    for seed in SEEDS:
        question = ask(seed, OPEN, renaming=1.0, type_dropout=0.0, special_type_wins=1.0)
        assert answers(question) == {
            (start, end): {shown_as[type_]} for start, end, type_ in OPEN.spans
        }


def test_capitals_keep_the_meaning_of_indexes():
    row = passage("Ada won", ("Ada", "winning poet"))
    found = Counter(
        type_
        for seed in SEEDS
        for type_ in answers(ask(seed, row, capitals=1.0, type_dropout=0.0))[0, 1]
    )
    assert set(found) == {"Winning poet", "Winning Poet"}


def test_names_that_would_coincide_are_left_alone():
    same = Thesaurus({}, {"poet": ("writer",), "novelist": ("writer",)})
    row = passage("a b", ("a", "poet"), ("b", "novelist"))
    for seed in SEEDS:
        question = ask(seed, row, thesaurus=same, renaming=1.0, type_dropout=0.0)
        assert {"poet", "novelist"} <= set(question.types)


def test_a_seed_gives_the_same_questions_again():
    def questions(seed: int) -> list[tuple]:
        questioner = make(seed, pool=["river", "award", "game"], widening=0.5, renaming=0.5)
        rows = [Row((p,)) for p in (OPEN, CLOSED) * 5]
        return [(q.types, q.positives, q.known.tolist()) for q in map(questioner.ask, rows)]

    assert questions(3) == questions(3)
    assert questions(3) != questions(4)


def test_the_pool_holds_open_types_a_few_times_each():
    pool = TypePool(max_repeats=2)
    for _ in range(5):
        pool.add(OPEN)
        pool.add(passage("the Nile", ("Nile", "river"), label_set=("river",)))
    assert Counter(pool.draw(100, Random(0))) == {"poet": 2, "person": 2, "city": 2}
    assert len(pool.draw(4, Random(0))) == 4


def test_without_types_nothing_can_be_asked():
    assert ask(0, passage("nothing here")).types == ()


def test_unique_compares_without_case():
    assert [t.lower() for t in unique(["b", "A", "a", "B", "c"])] == ["b", "a", "c"]
