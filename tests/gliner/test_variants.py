"""Every variant of the format: a folder and back, and what its settings mean."""

import pytest
import torch

from spacy_gliner.gliner.checkpoint import Checkpoint
from spacy_gliner.gliner.encoder import LayerFuser, PromptEncoder, pick

from .variants import make_bi_encoder, make_variant, score

ROWS = [
    (["person", "city"], ["Berta", "Lund", "moved", "to", "Oslo", "in", "May", "."]),
    (["university"], ["Bergen"]),
    (["city", "person", "long river"], ["Zzyzx", "and", "Tomas", "Vik", "teach", "at", "Qxquux"]),
]
VARIANTS = {
    "marker": {"span_mode": "marker"},
    "token level": {"span_mode": "token_level"},
    "single words": {"span_mode": "marker", "max_width": 1},
    "type behind the marker": {"embed_ent_token": False},
    "layers fused": {"fuse_layers": True},
    "last piece": {"subtoken_pooling": "last"},
    "mean of pieces": {"subtoken_pooling": "mean"},
    "maximum of pieces": {"subtoken_pooling": "max"},
    "projected": {"hidden_size": 20},
    "no LSTM": {"num_rnn_layers": 0},
    "bi-encoder": {"labels_encoder": "none"},
    "bi-encoder, token level": {"labels_encoder": "none", "span_mode": "token_level"},
    "bi-encoder, projected": {"labels_encoder": "none", "hidden_size": 20},
    "bi-encoder, layers fused": {"labels_encoder": "none", "fuse_layers": True},
}


def make(checkpoint, name) -> Checkpoint:
    settings = dict(VARIANTS[name])
    bi_encoder = settings.pop("labels_encoder", None)
    return (make_bi_encoder if bi_encoder else make_variant)(checkpoint, **settings)


def real(logits: torch.Tensor, row: int) -> torch.Tensor:
    types, words = ROWS[row]
    return logits[row, : len(words), :, : len(types)]


@pytest.mark.parametrize("name", VARIANTS)
def test_a_folder_gives_the_same_scores(checkpoint, tmp_path, name):
    made = make(checkpoint, name)
    made.to_disk(tmp_path)
    again = Checkpoint.from_disk(tmp_path)
    assert torch.equal(score(again, ROWS), score(made, ROWS))
    files = Checkpoint.from_files(made.to_files())
    assert torch.equal(score(files, ROWS), score(made, ROWS))


@pytest.mark.parametrize("name", VARIANTS)
def test_rows_do_not_depend_on_those_beside_them(checkpoint, name):
    made = make(checkpoint, name)
    together = score(made, ROWS)
    for row in range(len(ROWS)):
        alone = score(made, ROWS[row : row + 1])
        types, words = ROWS[row]
        found, expected = real(together, row), alone[0, : len(words), :, : len(types)]
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
        assert found.abs().max() > 1e-3


@pytest.mark.parametrize("how", ["first", "last", "mean", "max"])
def test_words_are_pooled_from_their_pieces(checkpoint, how):
    made = make_variant(checkpoint, subtoken_pooling=how, num_rnn_layers=0)
    builder, encoder = made.prompts, made.network.encoder
    assert isinstance(encoder, PromptEncoder)
    (types,), (words,) = builder.types([["city"]]), builder.units([["Qxquux", "in", "Oslo"]])
    assert words.counts.tolist()[0] > 2
    prompts = builder.batch([(types, words)])
    with torch.inference_mode():
        pieces = encoder.encode(prompts.input_ids, prompts.attention_mask)[0]
        _, found = encoder(prompts)
    # [CLS] <<ENT>> city <<SEP>> and then the words
    parts = pieces[4 : 4 + len(words.ids)].split(words.counts.tolist())
    rules = {
        "first": lambda part: part[0],
        "last": lambda part: part[-1],
        "mean": lambda part: part.mean(0),
        "max": lambda part: part.amax(0),
    }
    expected = torch.stack([rules[how](part) for part in parts])
    torch.testing.assert_close(found[0, :3], expected)


def test_a_type_is_its_marker_or_the_piece_behind_it(checkpoint):
    (types,), (words,) = (checkpoint.prompts.units([row]) for row in (["city", "person"], ["Oslo"]))
    for embed_ent_token, expected in ((True, [1, 3]), (False, [2, 4])):
        made = make_variant(checkpoint, embed_ent_token=embed_ent_token)
        _, positions, _ = made.prompts.row(types, words)
        assert positions.tolist() == expected


def test_layers_are_fused_by_squeeze_and_excitation_of_real_pieces():
    torch.manual_seed(0)
    fuser = LayerFuser(4, 6)
    layers = torch.randn(4, 2, 5, 6)
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
    found = fuser(tuple(layers), mask)
    for row, length in enumerate((5, 3)):
        own = layers[:, row, :length]
        squeezed = torch.stack([fuser.squeeze(layer).mean() for layer in own])
        weights = torch.sigmoid(fuser.W2(torch.relu(fuser.W1(squeezed))))
        fused = sum(weight * layer for weight, layer in zip(weights, own, strict=True))
        expected = fuser.output_projection(fused)
        torch.testing.assert_close(found[row, :length], expected)


def test_labels_of_a_bi_encoder_do_not_change_each_others_scores(checkpoint):
    made = make_bi_encoder(checkpoint)
    words = ROWS[0][1]
    few = score(made, [(["city"], words)])
    many = score(made, [(["person", "long river", "city", "university"], words)])
    torch.testing.assert_close(many[0, :8, :, 2], few[0, :8, :, 0])


def test_a_label_is_read_once_until_the_model_is_trained(checkpoint, monkeypatch):
    made = make_bi_encoder(checkpoint)
    encoder = made.network.encoder
    seen: list[int] = []
    encode = encoder.labels.encode
    monkeypatch.setattr(
        encoder.labels, "encode", lambda i, m: (seen.append(len(i)), encode(i, m))[1]
    )
    first = score(made, ROWS)
    assert seen == [4]
    assert torch.equal(score(made, ROWS), first)
    score(made, [(["person", "boat"], ["Oslo"])])
    assert seen == [4, 1]
    made.network.train()
    made.network.eval()
    assert torch.equal(score(made, ROWS), first)
    assert seen == [4, 1, 4]


def test_kept_label_vectors_are_saved_too(checkpoint, tmp_path, monkeypatch):
    made = make_bi_encoder(checkpoint)
    expected = score(made, ROWS)
    made.to_disk(tmp_path)
    again = Checkpoint.from_disk(tmp_path)
    labels = again.network.label_encoder
    assert labels.cache.keys() == made.network.label_encoder.cache.keys()
    monkeypatch.setattr(labels, "encode", None)
    assert torch.equal(score(again, ROWS), expected)
    made.network.train()
    made.network.eval()
    made.to_disk(tmp_path)
    assert not Checkpoint.from_disk(tmp_path).network.label_encoder.cache


def test_vectors_of_rounded_weights_are_not_those_that_were_kept(checkpoint, tmp_path):
    made = make_bi_encoder(checkpoint)
    score(made, ROWS)
    made.to_disk(tmp_path, dtype=torch.float16)
    assert not Checkpoint.from_disk(tmp_path).network.label_encoder.cache


def test_the_label_cache_is_bounded(checkpoint, monkeypatch):
    monkeypatch.setattr("spacy_gliner.gliner.labels.CACHE_SIZE", 3)
    made = make_bi_encoder(checkpoint)
    labels = ["person", "city", "university", "boat", "river"]
    all_at_once = score(made, [(labels, ["Oslo"])])
    assert len(made.network.label_encoder.cache) == 3
    for number, label in enumerate(labels):
        alone = score(made, [([label], ["Oslo"])])
        torch.testing.assert_close(alone[0, 0, 0, 0], all_at_once[0, 0, 0, number])


def test_label_vectors_are_a_mean_over_pieces_and_have_a_gradient(checkpoint):
    made = make_bi_encoder(checkpoint)
    encoder, builder = made.network.encoder, made.prompts
    (labels,) = builder.types([["long river", "Oslo"]])
    encoding = builder.labels.tokenizer(["long river"], return_tensors="pt")
    expected = encoder.labels.encode(encoding["input_ids"], encoding["attention_mask"])[0].mean(0)
    vectors = encoder.labels.vectors(labels)
    torch.testing.assert_close(vectors[0], expected)
    vectors.sum().backward()
    assert encoder.labels.transformer.embeddings.word_embeddings.weight.grad.abs().max() > 0


def test_vectors_are_picked_by_row():
    vectors = torch.arange(12.0).reshape(2, 3, 2)
    assert pick(vectors, torch.tensor([[2], [0]])).tolist() == [[[4.0, 5.0]], [[6.0, 7.0]]]
