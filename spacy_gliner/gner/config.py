"""What a GNER model was trained for, beside what its transformer's own settings say."""

from dataclasses import asdict, dataclass, fields
from pathlib import Path

import srsly

from ..errors import Errors
from ..fields import mistyped
from ..folders import read_object
from .bio import BOUNDARIES
from .instruction import Instruction

CONFIG_FILE = "gner_config.json"
FULL = "full"


@dataclass(frozen=True)
class GNERConfig:
    """instruction: the text around labels and sentence, see `Instruction`.
    boundaries: "bio", or "plain" for tags without B- and I- (an ablation of the paper).
    context: how many words around each entity are in the target: "full", all; or a number.
    Raises ValueError for a value that cannot be.
    """

    instruction: str
    boundaries: str = "bio"
    context: int | str = FULL

    def __post_init__(self) -> None:
        for name, _, kind in mistyped(self):
            self._refuse(name, kind)
        Instruction(self.instruction)
        if self.boundaries not in BOUNDARIES:
            self._refuse("boundaries", " or ".join(map(repr, BOUNDARIES)))
        if self.context != FULL and (isinstance(self.context, str) or self.context < 0):
            self._refuse("context", f"{FULL!r}, or a number from 0 on")

    def to_disk(self, folder: Path) -> None:
        srsly.write_json(folder / CONFIG_FILE, asdict(self))

    @classmethod
    def from_disk(cls, folder: Path, *, instruction: str) -> "GNERConfig":
        """The settings in a folder; published checkpoints have none, and were trained with these.

        instruction: of a folder without settings.
        Raises ValueError: [G103] for a damaged file, [G519] for settings that are not known.
        """
        path = folder / CONFIG_FILE
        stored = read_object(path) if path.is_file() else {}
        if unknown := sorted(stored.keys() - {field.name for field in fields(cls)}):
            raise ValueError(Errors.G519.format(path=path, unknown=unknown))
        return cls(**{"instruction": instruction, **stored})

    def _refuse(self, name: str, demand: str) -> None:
        raise ValueError(Errors.G511.format(name=name, value=getattr(self, name), demand=demand))
