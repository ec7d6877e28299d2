"""Data sets to evaluate on, from the arguments of the command line."""

import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from spacy.tokens import DocBin
from spacy.vocab import Vocab

from ..corpus.convert import shard_name
from ..corpus.passage import Passage, from_doc
from ..errors import Errors, Warnings


def read_datasets(
    arguments: Iterable[str], vocab: Vocab, *, limit: int | None = None
) -> dict[str, list[Passage]]:
    """Read one data set an argument: `path` or `name=path`, a `.spacy` file or a folder of them.

    Without a name, a file is named as by `convert` (`mit_movie/test.spacy` is "mit_movie-test"), a
    folder by its own name. A set that mixes closed and open passages becomes two, "name (closed)"
    and "name (open)". limit: take the first passages of each argument only.

    Raises ValueError for a path without data and for two sets of one name.
    """
    datasets: dict[str, list[Passage]] = {}
    for argument in arguments:
        name, path = split_name(argument)
        name = name or _default_name(path)
        passages = list(islice(_read(path, vocab), limit))
        if not passages:
            raise ValueError(Errors.G301.format(path=path))
        for part, members in _by_kind(name, passages).items():
            if part in datasets:
                raise ValueError(Errors.G302.format(name=part, argument=argument))
            _warn_if_unjudgeable(part, members)
            datasets[part] = members
    return datasets


def split_name(argument: str) -> tuple[str, Path]:
    """Split `name=path`; the name is "" if there is none. An existing path may contain "="."""
    name, equals, path = argument.partition("=")
    if not equals or Path(argument).exists():
        return "", Path(argument)
    return name, Path(path)


def _default_name(path: Path) -> str:
    """The name that `convert` gave, without the number of the shard."""
    name = path.resolve().name if path.is_dir() else shard_name(path)
    return re.sub(r"-\d{5}$", "", name)


def _read(path: Path, vocab: Vocab) -> Iterator[Passage]:
    files = sorted(path.glob("*.spacy")) if path.is_dir() else [path]
    if not files or not all(file.is_file() and file.suffix == ".spacy" for file in files):
        raise ValueError(Errors.G300.format(path=path))
    for file in files:
        yield from map(from_doc, DocBin().from_disk(file).get_docs(vocab))


def _by_kind(name: str, passages: list[Passage]) -> dict[str, list[Passage]]:
    """Closed and open passages ask different questions: their scores should not be mixed."""
    closed = [passage for passage in passages if passage.label_set]
    opened = [passage for passage in passages if not passage.label_set]
    if closed and opened:
        return {f"{name} (closed)": closed, f"{name} (open)": opened}
    return {name: passages}


def _warn_if_unjudgeable(name: str, passages: list[Passage]) -> None:
    count = sum(not (passage.label_set or passage.absent) for passage in passages)
    if count:
        warning = Warnings.G340.format(name=name, count=count, total=len(passages))
        warnings.warn(warning, UserWarning, stacklevel=2)
