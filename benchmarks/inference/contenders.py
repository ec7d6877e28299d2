"""All who take part."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec

from spacy_gliner.pipeline.gliner import PRECISIONS

from .ours import load_floor, load_ours
from .peers import load_fast_gliner, load_gliner, load_gliner_onnx, load_gliner_spacy
from .task import Job, Prepare

OURS, FLOOR = "ours float32", "encoder alone"


@dataclass(frozen=True)
class Contender:
    """load: reads the checkpoint. modules: those of its packages.

    exact: it computes what we do in full precision, so that its spans must be the same.
    """

    load: Callable[[Job], Prepare]
    modules: tuple[str, ...] = ()
    exact: bool = True

    @property
    def missing(self) -> list[str]:
        """The modules that this environment lacks."""
        return [name for name in self.modules if find_spec(name) is None]


CONTENDERS = {
    **{
        f"ours {precision}": Contender(partial(load_ours, precision), exact=precision == "float32")
        for precision in PRECISIONS
    },
    FLOOR: Contender(load_floor, exact=False),
    "gliner": Contender(load_gliner, ("gliner",)),
    "gliner onnx": Contender(load_gliner_onnx, ("gliner", "onnx", "onnxruntime")),
    "fast-gliner": Contender(load_fast_gliner, ("fast_gliner", "gliner", "onnx")),
    "gliner-spacy": Contender(load_gliner_spacy, ("gliner_spacy",)),
}
