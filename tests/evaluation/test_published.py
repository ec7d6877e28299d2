import pytest

from spacy_gliner.evaluation.published import PUBLISHED, SEVEN_SETS

# The averages as they were published: the single figures must agree with them.
AVERAGES = {
    "ChatGPT": 47.5,
    "InstructUIE-11B": 47.2,
    "UniNER-7B": 53.7,
    "UniNER-13B": 55.6,
    "GoLLIE-7B": 58.4,
    "GLiNER-S (50M)": 52.7,
    "GLiNER-M (90M)": 55.4,
    "GLiNER-L (300M)": 60.9,
    "NuNER_Zero-span": 62.0,
    "GNER-T5-base (248M)": 59.5,
    "GNER-T5-xxl (11B)": 69.1,
}


def test_every_published_system_has_a_figure_for_each_set_and_its_published_average():
    averages = {system.name: sum(system.f1) / len(SEVEN_SETS) for system in PUBLISHED}
    assert averages == pytest.approx(AVERAGES, abs=0.051)
    assert all(len(system.f1) == len(SEVEN_SETS) for system in PUBLISHED)


def test_only_gner_is_measured_by_its_looser_metric():
    assert {s.name for s in PUBLISHED if s.text_metric} == {n for n in AVERAGES if "GNER" in n}
