import random
from math import exp, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from spacy.vocab import Vocab

from spacy_gliner.architectures import build_new_gner
from spacy_gliner.corpus.passage import to_doc
from spacy_gliner.gner.network import TargetBatch, target_logits
from spacy_gliner.pipeline.labels import LabelSet
from spacy_gliner.training.gner import GNERLearner, flat
from spacy_gliner.training.readers import to_example
from spacy_gliner.training.settings import GNERTrainingSettings

from ..gner import models
from ..tiny import LABELS, SENTENCES, marked, passage

VOCAB = Vocab()
LABEL_SET = LabelSet.create(LABELS)
OPEN = LabelSet.create([])
WHOLE = {"type_dropout": 0.0, "negative_ratio": 0.0}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {
        "T5": models.write_t5(tmp_path_factory.mktemp("t5")),
        "LLaMA": models.write_llama(tmp_path_factory.mktemp("llama")),
    }


@pytest.fixture(params=["T5", "LLaMA"])
def kind(request) -> str:
    return request.param


@pytest.fixture
def make(folders):
    """Makes learners by their settings, each on a model of its own."""

    def make(kind: str = "T5", *, boundaries="bio", context="full", **settings) -> GNERLearner:
        random.seed(settings.pop("seed", 0))
        model = build_new_gner(str(folders[kind]), boundaries=boundaries, context=context)
        settings = GNERTrainingSettings(**{"precision": "float32", **WHOLE, **settings})
        return GNERLearner(model, settings)

    return make


def read(learner: GNERLearner, *passages, labels=LABEL_SET):
    examples = [to_example(to_doc(p, VOCAB)) for p in passages]
    return learner.read(examples, spans_key="sc", words="spacy", labels=labels)


def update(learner: GNERLearner) -> float:
    return learner.update(read(learner, *map(marked, SENTENCES)), dropout=0.0)


def checkpoint_of(learner: GNERLearner):
    return learner.model.shims[0].checkpoint


def gradients(learner: GNERLearner) -> dict[str, torch.Tensor]:
    named = checkpoint_of(learner).network.named_parameters()
    return {name: weight.grad for name, weight in named if weight.grad is not None}


def spy_batches(learner: GNERLearner) -> list[TargetBatch]:
    """All batches that the model is to read from now on."""
    shim, read = learner.model.shims[0], []
    logits = shim._logits

    def spy(batch):
        read.append(batch)
        return logits(batch)

    shim._logits = spy  # of this learner's shim only
    return read


def shown(learner: GNERLearner, *passages) -> list[tuple[str, str]]:
    """The prompt and the target of each row of one update, in order of the targets."""
    batches = spy_batches(learner)
    learner.update(passages, dropout=0.0)
    checkpoint = checkpoint_of(learner)
    found = []
    for batch in batches:
        labels = batch.labels.split(batch.learned.sum(dim=1).tolist())
        for prompt, target in zip(batch.inputs.tolist(), labels, strict=True):
            written = [checkpoint.decode([ids])[0].strip() for ids in (prompt, target.tolist())]
            found.append((written[0], written[1]))
    return sorted(found, key=lambda row: row[1])


def labels_in(prompt: str) -> list[str]:
    return sorted(prompt.partition("tags: ")[2].partition(" and O.")[0].split(", "))


# What is asked, and what is answered


def test_a_passage_is_a_row_with_its_words_and_tags(make, kind):
    learner = make(kind)
    passages = read(learner, marked(SENTENCES[0]), marked(SENTENCES[1]))
    first, second = shown(learner, *passages)
    assert first[1] == (
        "Berta(B-person) Lund(I-person) moved(O) to(O) Oslo(B-city) in(O) May(O) .(O)"
    )
    assert second[1] == "In(O) Oslo(B-city) the(O) rain(O) never(O) stops(O) .(O)"
    assert {"city", "person"} <= set(labels_in(first[0])) <= set(LABELS)
    assert SENTENCES[0] in first[0] and SENTENCES[1] in second[0]


@pytest.mark.parametrize(
    ("settings", "target"),
    [
        ({"context": 0}, "Berta(B-person) Lund(I-person) Oslo(B-city)"),
        (
            {"context": 1, "boundaries": "plain"},
            "Berta(person) Lund(person) moved(O) to(O) Oslo(city) in(O)",
        ),
    ],
)
def test_the_target_is_as_the_model_is_to_write_it(make, settings, target):
    learner = make(**settings)
    ((_, found),) = shown(learner, *read(learner, marked(SENTENCES[0])))
    assert found == target


def test_the_loss_is_on_the_tags_alone_if_it_is_set(make):
    learner = make(loss="tags")
    ((_, found),) = shown(learner, *read(learner, passage("In Oslo .", ("Oslo", "city"))))
    assert found.replace(" ", "") == "O)B-city)O)"


def test_tags_alone_need_the_words_of_the_full_context(make):
    learner = make(loss="tags", context=2)
    with pytest.raises(ValueError, match=r"\[G541\].*'training.loss' is 'tags'.*context is 2"):
        update(learner)


@pytest.mark.parametrize(("share", "word"), [(0.0, "Oslo"), (1.0, "oslo")])
def test_words_can_be_lower_cased(make, share, word):
    learner = make(lower_case=share)
    passages = read(learner, passage("Oslo", ("Oslo", "City")), labels=OPEN)
    ((prompt, target),) = shown(learner, *passages)
    assert target == f"{word}(B-City)" and prompt.endswith(f"Sentence: {word}")


def test_types_of_earlier_passages_are_negatives_of_later_ones(make):
    learner = make(negative_ratio=0.5, max_types=9)
    read(learner, passage("the Nile", ("Nile", "river")), labels=OPEN)
    later = read(learner, passage("Ada ran", ("Ada", "person")), labels=OPEN)
    found = [row for _ in range(5) for row in shown(learner, *later)]
    assert ["person", "river"] in [labels_in(prompt) for prompt, _ in found]
    assert {target for _, target in found} == {"Ada(B-person) ran(O)"}


def test_a_type_that_may_be_there_unmarked_is_not_asked(make, tmp_path):
    (tmp_path / "kinds.tsv").write_text("poet\tperson\t\n", encoding="utf8")
    learner = make(negative_ratio=0.7, thesaurus=str(tmp_path / "kinds.tsv"))
    texts = [("Nile", "river"), ("Ada", "poet")]
    read(learner, *(passage(word, (word, type_)) for word, type_ in texts), labels=OPEN)
    later = read(learner, passage("Olaf ran", ("Olaf", "person")), labels=OPEN)
    asked = [labels_in(prompt) for _ in range(20) for prompt, _ in shown(learner, *later)]
    assert ["person", "river"] in asked
    assert not any("poet" in labels for labels in asked)


def test_without_types_there_is_nothing_to_learn(make):
    learner = make()
    nothing = read(learner, passage("nothing to see"), labels=OPEN)
    assert learner.update(nothing, dropout=0.0) == learner.update([], dropout=0.0) == 0.0
    assert not gradients(learner)


def test_documents_without_spans_are_learned_from_too(make):
    learner = make()
    assert learner.update(read(learner, passage("nothing to see")), dropout=0.0) > 0


# Flat spans


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ([(0, 2, 0), (3, 4, 1)], [(0, 2, 0), (3, 4, 1)]),
        ([(2, 3, 0), (0, 3, 1)], [(0, 3, 1)]),
        ([(0, 2, 0), (1, 4, 1), (3, 5, 2)], [(1, 4, 1)]),
        ([(2, 4, 0), (1, 3, 1)], [(1, 3, 1)]),
        ([(0, 1, 1), (0, 1, 0)], [(0, 1, 1)]),
    ],
)
def test_of_spans_that_share_words_the_longest_is_kept_then_the_first(spans, kept):
    assert flat(spans) == kept


SPANS = st.lists(
    st.tuples(st.integers(0, 8), st.integers(1, 4), st.integers(0, 2)).map(
        lambda span: (span[0], span[0] + span[1], span[2])
    )
)


@given(SPANS)
def test_flat_spans_share_no_word_and_only_shorter_or_later_ones_are_lost(spans):
    kept = flat(spans)
    words = [word for start, end, _ in kept for word in range(start, end)]
    assert len(words) == len(set(words))
    for start, end, _ in spans:
        assert any(
            k_start < end and start < k_end and (start - end, start) >= (k_start - k_end, k_start)
            for k_start, k_end, _ in kept
        )


UNIVERSITY = marked("the University of Bergen")


def test_a_span_within_another_one_is_lost_only_where_both_are_asked(make):
    learner = make(max_types=3)
    ((_, target),) = shown(learner, *read(learner, UNIVERSITY))
    assert target == "the(O) University(B-university) of(I-university) Bergen(I-university)"
    assert learner.dropped["overlaps a span that is longer or comes first"] == 1
    alone = make(max_types=1)
    targets = {row[1] for _ in range(20) for row in shown(alone, *read(alone, UNIVERSITY))}
    assert targets == {target, "the(O) University(O) of(O) Bergen(B-city)"}
    assert not +alone.dropped


def test_what_a_tag_cannot_say_is_told(make):
    learner = make(boundaries="plain")
    two = passage("Oslo Bergen", ("Oslo", "city"), ("Bergen", "city"), ("Bergen", "person"))
    while "Oslo(city) Bergen(city)" not in (row[1] for row in shown(learner, *read(learner, two))):
        learner.dropped.clear()
    assert sorted((+learner.dropped).values()) == [1, 1]
    with pytest.warns(UserWarning, match=r"\[G440\] 1 of the gold spans") as told:
        learner.warn_of_dropped()
    assert "overlaps" in str(told[0].message) and "touches" in str(told[1].message)


def test_a_row_that_the_model_cannot_read_is_counted(make):
    learner = make("LLaMA", row_words=1000)
    checkpoint_of(learner).network.config.max_position_embeddings = 1500
    long, short = passage("Oslo " * 300, ("Oslo", "city")), passage("Oslo", ("Oslo", "city"))
    rows = shown(learner, *read(learner, long, short))
    assert [target for _, target in rows] == ["Oslo(B-city)"]
    assert learner.dropped["row longer than the model reads"] == 1


# Losses and gradients


def test_the_loss_is_the_cross_entropy_of_the_labels(make):
    learner = make()
    batch = TargetBatch(*[torch.tensor([])] * 4, labels=torch.tensor([1, 0, 1]))
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0], [0.0, 2.0]])
    loss, gradient = learner.loss(batch, logits)
    right = 1 / (1 + exp(-2))
    assert loss == pytest.approx(2 * log(2) - log(right))
    expected = torch.tensor([[0.5, -0.5], [-0.5, 0.5], [1 - right, right - 1]])
    torch.testing.assert_close(gradient, expected)


def test_the_loss_is_that_of_one_piece(make, kind):
    learner = make(kind)
    batches = spy_batches(learner)
    loss = update(learner)
    network = checkpoint_of(learner).network
    with torch.no_grad():
        total = sum(learner.loss(b, target_logits(network, b))[0] for b in batches)
    assert loss == pytest.approx(total / sum(len(batch.labels) for batch in batches), rel=1e-4)


def test_small_batches_give_the_same_gradients(make, kind):
    large, small = make(kind, max_pieces=10_000), make(kind, max_pieces=1)
    few, many = spy_batches(large), spy_batches(small)
    assert update(small) == pytest.approx(update(large), rel=1e-4)
    assert len(few) == 1 and len(many) == len(SENTENCES)
    assert gradients(small).keys() == gradients(large).keys()
    for name, gradient in gradients(small).items():
        torch.testing.assert_close(gradient, gradients(large)[name], rtol=1e-3, atol=1e-5)


def test_the_gradient_is_that_of_the_loss(make, kind):
    """Along itself, the loss rises by the gradient's norm."""
    name = "decoder.final_layer_norm.weight" if kind == "T5" else "model.norm.weight"
    learner = make(kind)
    update(learner)
    gradient = gradients(learner)[name]
    step = 0.01 * gradient / gradient.norm()

    def loss_at(move: torch.Tensor) -> float:
        moved = make(kind)
        with torch.no_grad():
            checkpoint_of(moved).network.get_parameter(name).add_(move)
        return update(moved)

    slope = (loss_at(step) - loss_at(-step)) / 0.02
    assert slope == pytest.approx(gradient.norm().item(), rel=0.02)


def test_bfloat16_gradients_point_the_same_way(make, kind):
    exact, rough = make(kind, precision="float32"), make(kind, precision="bfloat16")
    update(exact), update(rough)
    name = next(iter(gradients(exact)))
    found, expected = (gradients(learner)[name].flatten() for learner in (rough, exact))
    assert 0.95 < torch.cosine_similarity(found, expected, dim=0) < 1


def test_the_seed_of_python_decides_what_is_asked(make):
    random_types = {"type_dropout": 1.0, "negative_ratio": 0.5}
    one, same, other = (update(make(seed=seed, **random_types)) for seed in (1, 1, 2))
    assert one == same != other
