import sys

import pytest

from spacy_gliner.architectures import resolve_encoder


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with a folder, which fails when it is imported."""
    folder = tmp_path / "my_encoders" / "small"
    folder.mkdir(parents=True)
    (tmp_path / "my_encoders" / "__init__.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_folder_inside_a_package_is_found_without_importing_it(package):
    assert resolve_encoder("package:my_encoders/small") == str(package)
    assert "my_encoders" not in sys.modules


@pytest.mark.parametrize("encoder", ["microsoft/deberta-v3-small", "/models/mine", "./mine"])
def test_other_encoders_stay_as_they_are(encoder):
    assert resolve_encoder(encoder) == encoder


@pytest.mark.parametrize(
    "encoder",
    ["package:my_encoders/large", "package:not_installed/model", "package:", "package:json/x"],
)
def test_a_missing_folder_or_package_is_named(package, encoder):
    with pytest.raises(ValueError, match=r"\[G107\]") as error:
        resolve_encoder(encoder)
    assert encoder in str(error.value)
