"""The files of a checkpoint's folder."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from .errors import Errors

Read = TypeVar("Read")


def to_files(write: Callable[[Path], object]) -> dict[str, bytes]:
    """The files that `write` puts into a folder, by their paths in it."""
    with TemporaryDirectory() as folder:
        write(Path(folder))
        paths = [path for path in sorted(Path(folder).rglob("*")) if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def from_files(files: Mapping[str, bytes], read: Callable[[Path], Read]) -> Read:
    """What `read` makes of a folder with these files.

    Raises ValueError [G117] for a path that leads out of the folder.
    """
    with TemporaryDirectory() as folder:
        for name, content in files.items():
            path = (Path(folder) / name).resolve()
            if not path.is_relative_to(Path(folder).resolve()):
                raise ValueError(Errors.G117.format(name=name))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return read(Path(folder))


def read_object(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ValueError [G103] for a file that is damaged or holds none."""
    try:
        stored = json.loads(path.read_text(encoding="utf8"))
    except ValueError as error:
        raise ValueError(Errors.G103.format(path=path, error=error)) from error
    if not isinstance(stored, dict):
        raise ValueError(Errors.G103.format(path=path, error="it is no JSON object"))
    return stored
