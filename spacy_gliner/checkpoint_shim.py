"""The bridge between thinc, which spaCy trains and saves, and torch networks of any kind."""

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import srsly
import torch
from thinc.api import Optimizer
from thinc.shims import Shim
from thinc.util import get_torch_default_device
from torch import Tensor, nn
from torch.autograd.graph import increment_version
from torch.nn import functional as F

from .attention import stepwise_attention
from .errors import Errors
from .gliner.checkpoint import Checkpoint
from .gner.checkpoint import GNERCheckpoint
from .linear import fast_linear
from .precision import has_onednn
from .replaced import Replaced

Backprop = Callable[[Tensor], None]
AnyCheckpoint = TypeVar("AnyCheckpoint", bound=Checkpoint | GNERCheckpoint)

# A forked process (`nlp.pipe(n_process=2)`) has none of torch's threads, and would wait for them
# for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class CheckpointShim(Shim, ABC, Generic[AnyCheckpoint]):
    """Holds a checkpoint, which is read when it is first needed.

    `spacy.load` builds every component before it reads its data: reading the source there would
    load weights twice and could reach for a network.

    load: reads the checkpoint from its source.
    """

    kind: ClassVar[Any]
    _model: AnyCheckpoint | None

    def __init__(self, load: Callable[[], AnyCheckpoint]) -> None:
        super().__init__(None)
        self._load = load
        self._steps = 0
        self._behind = 0
        self._lock = threading.Lock()

    @property
    def checkpoint(self) -> AnyCheckpoint:
        with self._lock:
            if self._model is None:
                self._model = self._load()
                self._model.network.to(get_torch_default_device())
            return self._model

    @checkpoint.setter
    def checkpoint(self, checkpoint: AnyCheckpoint) -> None:
        checkpoint.network.to(get_torch_default_device())
        with self._lock:
            self._model, self._optimizer = checkpoint, None

    # What differs between networks

    @abstractmethod
    def _logits(self, batch: Any) -> Tensor: ...

    @abstractmethod
    def _prepare(self, dropout: float) -> None:
        """Make the network ready to be trained with this dropout."""

    @abstractmethod
    def _groups(self) -> list[list[nn.Parameter]]:
        """The weights that are trained, each group with a learning rate of its own."""

    @abstractmethod
    def _rates(self) -> list[float]:
        """The learning rate of each group, as a multiple of the optimizer's."""

    # Scoring

    def predict(self, batch: Any, precision: str = "float32") -> Tensor:
        """The logits of a batch. The network stays in evaluation mode, so threads can share it."""
        device = self.checkpoint.network.device
        with torch.inference_mode(), _autocast(device, precision):
            return self._logits(batch)

    def begin_update(
        self, batch: Any, precision: str = "float32", dropout: float = 0.0
    ) -> tuple[Tensor, Backprop]:
        """The logits of a batch, and a callback that takes their gradient."""
        network = self.checkpoint.network
        network.requires_grad_(False)
        for parameter in chain.from_iterable(self._groups()):
            parameter.requires_grad_(True)
        network.train()
        self._prepare(dropout)
        try:
            with _autocast(network.device, precision), _fast_functions(network.device):
                logits = self._logits(batch)
        finally:
            network.eval()
        return logits.detach(), logits.backward

    # Training

    def finish_update(self, optimizer: Optimizer) -> None:
        """Update with the settings of a thinc optimizer, carried out by torch's fused AdamW.

        thinc's own Adam runs on one thread, and would take a tenth of each step. Its gradient
        clipping is a tensor at a time; here it is the norm of all gradients.
        """
        if optimizer.use_radam or optimizer.b2 == 0 or optimizer.averages is not None:
            raise ValueError(Errors.G401)
        if self._optimizer is None:
            self._optimizer = self._adamw()
        for _ in range(self._behind):
            optimizer.step_schedules()
        self._steps, self._behind = self._steps + 1, 0
        for group, rate in zip(self._optimizer.param_groups, self._rates(), strict=True):
            group["lr"] = optimizer.learn_rate * rate
            group["betas"] = (optimizer.b1, optimizer.b2)
            group["eps"] = optimizer.eps
            group["weight_decay"] = optimizer.L2
        if optimizer.grad_clip:
            nn.utils.clip_grad_norm_(self.checkpoint.network.parameters(), optimizer.grad_clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        # The fused step leaves versions as they are, by which copies for inference know changes.
        for parameter in chain.from_iterable(self._groups()):
            increment_version(parameter)

    def _adamw(self) -> torch.optim.AdamW:
        return torch.optim.AdamW([{"params": group} for group in self._groups()], fused=True)

    def training_state(self) -> dict[str, Any]:
        """The optimizer's state, and the number of its steps."""
        optimizer = self._optimizer.state_dict() if self._optimizer is not None else None
        return {"optimizer": optimizer, "steps": self._steps}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Go on from what `training_state` gave: the next update brings the schedules there too."""
        self._steps = self._behind = state["steps"]
        if state["optimizer"] is not None:
            self._optimizer = self._adamw()
            self._optimizer.load_state_dict(state["optimizer"])

    # Saving

    def to_device(self, device_type: str, device_id: int) -> None:
        device = "cpu" if device_type == "cpu" else f"cuda:{device_id}"
        self.checkpoint.network.to(device)

    def to_bytes(self) -> bytes:
        return srsly.msgpack_dumps(self.checkpoint.to_files())

    def from_bytes(self, data: bytes) -> "CheckpointShim":
        self.checkpoint = self.kind.from_files(srsly.msgpack_loads(data))
        return self

    def to_disk(self, path: str | Path) -> None:
        """Write a checkpoint folder."""
        self.checkpoint.to_disk(path)

    def from_disk(self, path: str | Path) -> "CheckpointShim":
        self.checkpoint = self.kind.from_disk(path)
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Locks cannot be pickled or copied.
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def _autocast(device: torch.device, precision: str) -> AbstractContextManager:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def _fast_functions(device: torch.device) -> AbstractContextManager:
    """On a CPU, functions that are faster going forward and backward."""
    if device.type != "cpu":
        return nullcontext()
    others: dict[Callable, Callable] = {F.scaled_dot_product_attention: stepwise_attention}
    if has_onednn():
        others[F.linear] = fast_linear
    return Replaced(others)
