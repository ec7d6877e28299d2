"""A component whose model is a checkpoint: training and saving."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

from spacy import util
from spacy.pipeline import TrainablePipe
from spacy.training import Example, validate_examples
from thinc.api import Optimizer
from torch import Tensor

from ..checkpoint_shim import CheckpointShim
from ..corpus.passage import Passage
from ..training.base import BaseLearner

Self = TypeVar("Self", bound="CheckpointPipe")


class CheckpointPipe(TrainablePipe, ABC):
    """Components say what they read of examples, who learns from it, and what their state is."""

    _learner: BaseLearner | None = None

    @property
    def _shim(self) -> CheckpointShim[Any]:
        return cast(CheckpointShim[Any], self.model.shims[0])

    # Training

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples; adds its loss to `losses`."""
        losses = {} if losses is None else losses
        examples = list(examples)
        validate_examples(examples, f"{type(self).__name__}.update")
        losses[self.name] = losses.get(self.name, 0.0) + self._learn(examples, dropout=drop)
        if sgd:
            self.finish_update(sgd)
        return losses

    def _learn(self, examples: list[Example], *, dropout: float) -> float:
        """Add the gradients of a batch; returns the loss."""
        return self.learner.update(self._read(examples), dropout=dropout)

    def get_loss(self, examples: Any, scores: Tensor) -> tuple[float, Tensor]:
        """The loss of logits, and its gradient. What the learner asked takes the place of examples.

        *Shape:* the gradient has that of scores
        """
        return self.learner.loss(examples, scores)

    @property
    def learner(self) -> BaseLearner:
        if self._learner is None:
            self._learner = self._make_learner()
        return self._learner

    @abstractmethod
    def _make_learner(self) -> BaseLearner: ...

    @abstractmethod
    def _read(self, examples: Iterable[Example]) -> list[Passage]:
        """What the learner reads of examples."""

    # Saving

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write a folder; the model is a checkpoint folder within it."""
        writers = {
            "cfg": lambda p: p.write_text(json.dumps(self.cfg), encoding="utf8"),
            "model": lambda p: self._shim.to_disk(p),
        }
        util.to_disk(Path(path), writers, exclude)

    def from_disk(self: Self, path: str | Path, *, exclude: Iterable[str] = ()) -> Self:
        """Read what `to_disk` wrote; needs neither a network nor the model it began with."""
        readers: dict[str, Callable[[Path], Any]] = {
            "cfg": lambda p: self._set_state(json.loads(p.read_text(encoding="utf8"))),
            "model": lambda p: self._shim.from_disk(p),
        }
        util.from_disk(Path(path), readers, exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        writers = {
            "cfg": lambda: json.dumps(self.cfg).encode("utf8"),
            "model": lambda: self._shim.to_bytes(),
        }
        return util.to_bytes(writers, exclude)

    def from_bytes(self: Self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> Self:
        readers: dict[str, Callable[[bytes], Any]] = {
            "cfg": lambda b: self._set_state(json.loads(b)),
            "model": lambda b: self._shim.from_bytes(b),
        }
        util.from_bytes(bytes_data, readers, exclude)
        return self

    @property
    @abstractmethod
    def cfg(self) -> dict[str, Any]:
        """What is saved beside the model; spaCy hands it to the scorer too."""

    @abstractmethod
    def _set_state(self, state: dict[str, Any]) -> None:
        """Take over what `cfg` gave."""
