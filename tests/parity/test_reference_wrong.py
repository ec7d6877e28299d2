"""Where the reference library is wrong, what we do instead."""

import json
import shutil

import pytest
import torch

from .compare import our_spans, reference_spans
from .texts import LABELS, TEXTS

pytest.importorskip("gliner")

# Every span of a single word passes it.
LOWEST = 1e-9


def made_of(variant, *, encoder="deberta"):
    return pytest.mark.parametrize("published", [(variant, encoder)], indirect=True, ids="-".join)


@made_of("markerV0", encoder="minilm")
def test_a_word_without_pieces_shifts_no_others(published):
    # The tokenizer makes nothing of U+200B, and of the umbrella its piece for the unknown.
    hidden, shown = (f"Mayor Ines Roque {word} opened Porto's bridge." for word in "\u200b☂")
    ask = {"threshold": published.variant.threshold}
    ours, ours_shown = our_spans(published.folder, [hidden, shown], LABELS, **ask)
    theirs, theirs_shown = reference_spans(published.folder, [hidden, shown], LABELS, **ask)
    assert ours == ours_shown
    assert ours.keys() == theirs_shown.keys()
    assert theirs.keys() != theirs_shown.keys()


@made_of("nuner")
def test_many_labels_do_not_push_the_text_out(published):
    labels = [f"kind {i} of machine" for i in range(200)]
    texts = ["Tomas Vik left Bergen", "Rain fell all day"]
    ask = {"threshold": LOWEST, "mode": "multi_label"}
    ours = our_spans(published.folder, texts, labels, **ask)
    theirs = reference_spans(published.folder, texts, labels, **ask)
    for text, spans in zip(texts, ours, strict=True):
        assert spans.keys() == {(0, len(text), label) for label in labels}
    # It has read neither text, and not all labels.
    read = [{label for _, _, label in spans} for spans in theirs]
    assert max(map(len, read)) < len(labels)
    assert list(theirs[0].values()) == list(theirs[1].values())
    assert list(ours[0].values()) != pytest.approx(list(ours[1].values()))


@made_of("nuner")
def test_nothing_is_cut_from_a_long_text(published):
    text = " ".join(TEXTS)
    ask = {"threshold": LOWEST, "mode": "multi_label"}
    (ours,) = our_spans(published.folder, [text], LABELS, **ask)
    assert ours.keys() == {(0, len(text), label) for label in LABELS}
    with pytest.warns(UserWarning, match="has been truncated to 384"):
        (theirs,) = reference_spans(published.folder, [text], LABELS, **ask)
    assert max(end for _, end, _ in theirs) < len(text)


@made_of("no_lstm")
def test_without_lstm_weights_there_is_no_lstm(published, tmp_path):
    folder = shutil.copytree(published.folder, tmp_path / "old")
    path = folder / "gliner_config.json"
    config = json.loads(path.read_text())
    del config["num_rnn_layers"]
    path.write_text(json.dumps({**config, "has_rnn": False}))
    ask = {"threshold": published.variant.threshold}
    ours = our_spans(folder, TEXTS, LABELS, **ask)
    assert ours == our_spans(published.folder, TEXTS, LABELS, **ask)
    # It makes up another LSTM each time.
    theirs = []
    for seed in range(2):
        torch.manual_seed(seed)
        theirs.append(reference_spans(folder, TEXTS[:4], LABELS, **ask))
    assert theirs[0] != theirs[1]


@made_of("fuse_layers")
def test_fused_layers_do_not_depend_on_the_rest_of_the_batch(published):
    long, short = TEXTS[0], "Two tickets to Oslo, please."
    ask = {"threshold": LOWEST, "mode": "nested"}
    (alone,) = our_spans(published.folder, [short], LABELS, **ask)
    _, together = our_spans(published.folder, [long, short], LABELS, **ask)
    assert together == pytest.approx(alone, abs=1e-6)
    (alone,) = reference_spans(published.folder, [short], LABELS, **ask)
    _, together = reference_spans(published.folder, [long, short], LABELS, **ask)
    assert together != pytest.approx(alone, abs=1e-3)
