"""The files that hold the project together fit each other, and what they say can be run."""

import json
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from zipfile import ZipFile

import pytest
import spacy
import srsly
import torch
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from safetensors.torch import load_file
from spacy import util
from spacy.cli._util import parse_config_overrides
from spacy.cli.train import train
from spacy.schemas import ConfigSchemaTraining
from spacy.tokens import Doc, DocBin, Span
from spacy.vocab import Vocab
from weasel.schemas import ProjectConfigSchema, validate
from weasel.util.config import substitute_project_variables

from spacy_gliner.corpus.bio import read_bio, read_labels
from spacy_gliner.corpus.convert import convert
from spacy_gliner.corpus.report import Report
from spacy_gliner.evaluation.published import SEVEN_SETS
from spacy_gliner.gliner.checkpoint import WEIGHTS_FILE

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "assets" / "sample"
BENCHMARKS = ROOT.parent / "shared" / "data" / "ood7"
CONFIGS = sorted((ROOT / "configs").glob("*.cfg"))
PROJECT = substitute_project_variables(srsly.read_yaml(ROOT / "project.yml"))
COMMANDS = {command["name"]: command for command in PROJECT["commands"]}
FOLDERS = ("assets", "configs", "corpus", "metrics", "packages", "spacy_gliner", "training")

needs_benchmarks = pytest.mark.skipif(not BENCHMARKS.is_dir(), reason="no benchmarks here")


def inside(path: str, others: list[str]) -> bool:
    """Whether the path is one of the others, or lies in one."""
    return any(Path(path).is_relative_to(other) for other in others)


def arguments(command: dict) -> list[list[str]]:
    return [shlex.split(line) for line in command["script"]]


# project.yml


def test_the_project_is_valid():
    assert validate(ProjectConfigSchema, srsly.read_yaml(ROOT / "project.yml")) == []
    steps = [step for workflow in PROJECT["workflows"].values() for step in workflow]
    assert set(steps) == set(COMMANDS)


@pytest.mark.parametrize("workflow", PROJECT["workflows"])
def test_each_dependency_exists_or_was_made_before(workflow):
    external = [asset["dest"] for asset in PROJECT["assets"] if asset.get("extra")]
    made: list[str] = []
    for step in PROJECT["workflows"][workflow]:
        for dep in COMMANDS[step]["deps"]:
            committed = not inside(dep, ["corpus", "metrics", "packages", "training"])
            there = committed and (ROOT / dep).exists()
            assert there or inside(dep, made) or inside(dep, external), (step, dep)
        made += COMMANDS[step]["outputs"]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_each_path_of_a_script_is_a_dependency_or_an_output(command):
    deps, outputs = command["deps"], command["outputs"]
    for argument in (argument for line in arguments(command) for argument in line):
        path = argument.rpartition("=")[2]
        if Path(path).parts[:1] in [(folder,) for folder in FOLDERS]:
            holds_output = any(inside(output, [path]) for output in outputs)
            assert holds_output or inside(path, deps + outputs), path


def test_the_default_model_has_a_folder_for_each_data_set_of_its_mixture():
    config = util.load_config(ROOT / "configs" / "default.cfg")
    made = [line[-1] for line in arguments(COMMANDS["convert-default"])]
    assert {Path(folder).name for folder in made} == set(config["corpora"]["train"]["shares"])
    assert {Path(folder).parent for folder in made} == {Path(config["paths"]["train"])}


@pytest.mark.parametrize("name", ["evaluate", "evaluate-default", "evaluate-pile-ner"])
def test_the_seven_sets_are_evaluated(name):
    (line,) = arguments(COMMANDS[name])
    paths = [Path(argument) for argument in line if argument.startswith("corpus/")]
    assert {path.name.removesuffix("-test-00001.spacy") for path in paths} == set(SEVEN_SETS)


# Configs


def training_runs() -> list:
    """Each (config, overrides) that the project trains with, and those for users."""
    lines = [line for command in COMMANDS.values() for line in arguments(command)]
    runs = [
        line[line.index("train") + 1 :] for line in lines if {"spacy", "train"} <= set(line[:5])
    ]
    own = ["--paths.train", "train.spacy", "--paths.dev", "dev.spacy"]
    runs += [[f"configs/{name}.cfg", *own] for name in ("finetune", "nested", "gner")]
    return [pytest.param(run[0], run[1:], id=" ".join(run[:3])) for run in runs]


@pytest.mark.parametrize(("config", "options"), training_runs())
def test_a_config_is_complete_and_its_overrides_are_known(config, options):
    pairs = zip(options[::2], options[1::2], strict=True)
    overrides = parse_config_overrides([part for pair in pairs if "." in pair[0] for part in pair])
    loaded = util.load_config(ROOT / config, overrides=overrides)
    filled = util.load_model_from_config(loaded, auto_fill=True).config.interpolate()
    util.registry.resolve(filled["training"], schema=ConfigSchemaTraining)
    assert set(util.registry.resolve(filled["corpora"])) == {"train", "dev"}


def test_each_config_is_used():
    assert {f"configs/{path.name}" for path in CONFIGS} == {
        run.values[0] for run in training_runs()
    }


def ents_doc(vocab: Vocab) -> Doc:
    doc = Doc(vocab, words=["Berta", "Lund", "moved", "to", "Oslo", "in", "May", "."])
    doc.set_ents([Span(doc, 0, 2, label="PERSON"), Span(doc, 4, 5, label="GPE")])
    return doc


def nested_doc(vocab: Vocab) -> Doc:
    doc = Doc(vocab, words=["the", "old", "river", "of", "Oslo"])
    doc.spans["sc"] = [Span(doc, 1, 5, label="DNA"), Span(doc, 4, 5, label="PROTEIN")]
    return doc


@pytest.mark.parametrize(
    ("config", "make_doc", "mode"),
    [("finetune", ents_doc, "flat"), ("nested", nested_doc, "nested")],
)
def test_a_user_can_train_on_from_a_model(tmp_path, random_folder, config, make_doc, mode):
    vocab = Vocab()
    DocBin(docs=[make_doc(vocab) for _ in range(4)]).to_disk(tmp_path / "data.spacy")
    shutil.copytree(random_folder, tmp_path / "model")
    overrides = {
        "paths.train": str(tmp_path / "data.spacy"),
        "paths.dev": str(tmp_path / "data.spacy"),
        "paths.model": str(tmp_path / "model"),
        "training.max_steps": 4,
        "training.eval_frequency": 2,
    }
    train(ROOT / "configs" / f"{config}.cfg", tmp_path / "out", overrides=overrides)
    before = load_file(tmp_path / "model" / WEIGHTS_FILE)
    after = load_file(tmp_path / "out" / "model-last" / "gliner" / "model" / WEIGHTS_FILE)
    assert any(not torch.equal(before[name], after[name]) for name in before)
    shutil.rmtree(tmp_path / "model")  # the trained pipeline needs it no more
    nlp = spacy.load(tmp_path / "out" / "model-last")
    pipe = nlp.get_pipe("gliner")
    assert pipe.mode == mode
    pipe.threshold = 0.01
    doc = nlp("the old river of Oslo")
    spans = doc.ents if mode == "flat" else doc.spans["sc"]
    assert spans and {span.label_ for span in spans} <= set(pipe.labels)


# The sample


def test_the_passages_of_the_sample_lose_nothing(tmp_path):
    report = convert([SAMPLE / "pile_ner.json"], tmp_path)
    assert report.passages == 60
    assert not report.dropped


@pytest.mark.parametrize("name", SEVEN_SETS)
def test_an_imitated_set_loses_nothing(tmp_path, name):
    report = convert([SAMPLE / name / "test.txt"], tmp_path / "test.spacy")
    assert report.passages >= 3
    assert not report.dropped


@needs_benchmarks
@pytest.mark.parametrize("name", SEVEN_SETS)
def test_an_imitated_set_has_the_types_but_not_the_sentences_of_the_real_one(name):
    imitated, real = (read_set(folder / name) for folder in (SAMPLE, BENCHMARKS))
    assert imitated[0] == real[0]
    assert not imitated[1] & real[1]


def read_set(folder: Path) -> tuple[tuple[str, ...], set[tuple[str, ...]]]:
    """The types, and the words of each sentence."""
    labels = read_labels(folder / "labels.txt")
    passages = read_bio(folder / "test.txt", Report(), label_set=labels, source="")
    return labels, {passage.words for passage in passages}


@pytest.mark.slow
def test_the_sample_goes_the_whole_way(tmp_path):
    for name in ("assets", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "project.yml", tmp_path)
    command = [sys.executable, "-m", "spacy", "project", "run", "all", str(tmp_path)]
    subprocess.run(command, check=True)
    figures = json.loads((tmp_path / "metrics" / "sample.json").read_text(encoding="utf8"))
    assert set(figures["sets"]) == {f"{name}-test" for name in SEVEN_SETS}
    assert "| **sample** |" in (tmp_path / "metrics" / "sample.md").read_text(encoding="utf8")
    assert (tmp_path / "metrics" / "sample.png").read_bytes().startswith(b"\x89PNG")
    (wheel,) = tmp_path.glob("packages/*/dist/*.whl")
    assert any(name.endswith(WEIGHTS_FILE) for name in ZipFile(wheel).namelist())
    again = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert again.count("nothing changed") == len(PROJECT["workflows"]["all"])


# The environment


def test_each_direct_dependency_is_pinned_to_a_version_it_allows():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf8")
    extras = setup["options.extras_require"].values()
    lines = "\n".join([setup["options"]["install_requires"], *extras]).split("\n")
    direct = [Requirement(line) for line in lines if line]
    pins = {canonicalize_name(pin.name): pin.specifier for pin in constraints()}
    for requirement in direct:
        (pin,) = pins[canonicalize_name(requirement.name)]
        assert pin.operator == "==" and requirement.specifier.contains(pin.version), requirement


def constraints() -> list[Requirement]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]
