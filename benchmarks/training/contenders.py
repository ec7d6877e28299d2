"""All who take part."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from .ours import load_ours
from .reference import load_reference
from .task import Job, Training

REFERENCE = "gliner"


@dataclass(frozen=True)
class Contender:
    """load: reads the checkpoint. modules: those of its packages."""

    load: Callable[[Job], Training]
    modules: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The modules that this environment lacks."""
        return [name for name in self.modules if find_spec(name) is None]


CONTENDERS = {
    "ours": Contender(partial(load_ours, packed=True)),
    "ours unpacked": Contender(partial(load_ours, packed=False)),
    REFERENCE: Contender(partial(load_reference, frozen=False), ("gliner",)),
    "gliner frozen words": Contender(partial(load_reference, frozen=True), ("gliner",)),
}
