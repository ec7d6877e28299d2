"""Every wrong setting is refused by a coded message that names it."""

import pytest
from thinc.api import SGD, Adam

from spacy_gliner.shim import shim_of

from ..tiny import LABELS, SENTENCES


@pytest.mark.parametrize(
    "settings, code, names",
    [
        ({"mode": "overlapping"}, "G001", "'mode' is 'overlapping'"),
        ({"existing_ents": "drop"}, "G001", "'existing_ents'"),
        ({"words": "pieces"}, "G001", "'words'"),
        ({"precision": "float16"}, "G001", "'precision'"),
        ({"labels": "person"}, "G002", "'labels'"),
        ({"labels": 3}, "G003", "'labels'"),
        ({"labels": ["person", 3]}, "G004", "'labels'"),
        ({"labels": ["person", " "]}, "G005", "'labels'"),
        ({"labels": ["${person}"]}, "G006", "'labels'"),
        ({"labels": {"a: b": "city"}}, "G007", "'labels'"),
        ({"threshold": {"a: b": 0.5}}, "G007", "'threshold'"),
        ({"labels": ["person", "person"]}, "G008", "'person' is in 'labels'"),
        ({"labels": {"a": "city", "b": "city"}}, "G009", "'labels'"),
        ({"threshold": {"river": 0.3}}, "G010", "'river'"),
        ({"threshold": "high"}, "G011", "'threshold'"),
        ({"threshold": 7}, "G012", "'threshold' is 7"),
        ({"threshold": {"city": 0}}, "G012", r"threshold['city']"),
        ({"training": {"max_type": 3}}, "G404", "'training.max_type'"),
        ({"training": {"max_types": 0}}, "G405", "'training.max_types'"),
    ],
)
def test_a_wrong_setting_is_refused_at_once(make_random, settings, code, names):
    with pytest.raises(ValueError) as error:
        make_random(**{"labels": LABELS, **settings})
    assert f"[{code}]" in str(error.value)
    assert names in str(error.value)


@pytest.mark.parametrize(
    "settings, code, names",
    [
        ({"window": 15}, "G021", "'window' is 15"),
        ({"window": 513}, "G021", "'window' is 513"),
        ({"overlap": 3}, "G020", "'overlap' is 3"),
        ({"labels": ["x " * 20], "window": 20}, "G014", "'labels'"),
    ],
)
def test_what_depends_on_the_model_is_refused_when_it_is_used(make_random, settings, code, names):
    nlp = make_random(**{"labels": LABELS, **settings})
    with pytest.raises(ValueError) as error:
        nlp(SENTENCES[0])
    assert f"[{code}]" in str(error.value)
    assert names in str(error.value)


@pytest.mark.parametrize(
    "settings", [{"window": 16, "labels": ["city"]}, {"window": 512}, {"overlap": 4}]
)
def test_the_ends_of_a_range_belong_to_it(make_random, settings):
    nlp = make_random(**{"labels": LABELS, **settings})
    assert nlp(SENTENCES[0]).text == SENTENCES[0]


def test_a_missing_model_folder_is_named_when_it_is_used(make_random, tmp_path):
    model = {"@architectures": "spacy_gliner.GLiNER.v1", "name": str(tmp_path / "none")}
    nlp = make_random(labels=LABELS, model=model)
    with pytest.raises(ValueError, match=r"\[G110\].*components\.gliner\.model") as error:
        nlp(SENTENCES[0])
    assert str(tmp_path / "none") in str(error.value)


def test_settings_made_later_are_checked_and_change_nothing_if_wrong(make_random):
    component = make_random(labels=LABELS, threshold=0.4).get_pipe("gliner")
    with pytest.raises(ValueError, match=r"\[G012\]"):
        component.threshold = 0.0
    with pytest.raises(ValueError, match=r"\[G005\]"):
        component.labels = [""]
    with pytest.raises(ValueError, match=r"\[G005\]"):
        component.add_label(" ")
    assert (component.threshold, component.labels) == (0.4, tuple(LABELS))


@pytest.mark.parametrize("optimizer", [SGD(0.1, use_averages=False), Adam(0.1, use_averages=True)])
def test_other_optimizers_are_refused(make_random, optimizer):
    nlp = make_random(labels=LABELS)
    shim = nlp.get_pipe("gliner").model.shims[0]
    assert shim.checkpoint
    with pytest.raises(ValueError, match=r"\[G401\].*training\.optimizer"):
        nlp.get_pipe("gliner").finish_update(optimizer)


def test_the_model_says_how_much_text_is_best_read_at_once(make_random, monkeypatch):
    nlp = make_random(labels=LABELS)
    component = nlp.get_pipe("gliner")
    lengths, shim = [], shim_of(component.model)
    predict = shim.predict

    def watch(prompts, precision):
        lengths.append(prompts.input_ids.size(1))
        return predict(prompts, precision)

    monkeypatch.setattr(shim, "predict", watch)
    doc = nlp.make_doc("the old boat went north " * 100)
    component.predict([doc])
    # 128 pieces of text, the prompt and the frame, in steps of 16
    assert max(lengths) == 144
    component.window, lengths[:] = 64, []
    component.predict([doc])
    assert max(lengths) == 64
    component.window, lengths[:] = 512, []
    component.predict([doc])
    assert max(lengths) == 512
