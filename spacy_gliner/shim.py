"""The bridge between thinc, which spaCy trains and saves, and the torch network."""

import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import srsly
import torch
from thinc.api import Model, Optimizer
from thinc.shims import Shim
from thinc.util import get_torch_default_device
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from .errors import Errors
from .gliner.checkpoint import Checkpoint
from .gliner.prompt import Prompts

Backprop = Callable[[Tensor], None]

# A forked process (`nlp.pipe(n_process=2)`) has none of torch's threads, and would wait for them
# for ever.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


class GLiNERShim(Shim):
    """Holds a checkpoint, which is read when it is first needed.

    `spacy.load` builds every component before it reads its data: reading the source there would
    load weights twice and could reach for a network.

    load: reads the checkpoint from its source.
    head_rate: the learning rate of all but the encoder, as a multiple of the optimizer's.
    """

    _model: Checkpoint | None

    def __init__(self, load: Callable[[], Checkpoint]) -> None:
        super().__init__(None)
        self._load = load
        self.head_rate = 1.0
        self._steps = 0
        self._behind = 0
        self._lock = threading.Lock()

    @property
    def checkpoint(self) -> Checkpoint:
        with self._lock:
            if self._model is None:
                self._model = self._load()
                self._model.network.to(get_torch_default_device())
            return self._model

    @checkpoint.setter
    def checkpoint(self, checkpoint: Checkpoint) -> None:
        checkpoint.network.to(get_torch_default_device())
        with self._lock:
            self._model, self._optimizer = checkpoint, None

    # Scoring

    def predict(self, prompts: Prompts, precision: str = "float32") -> Tensor:
        """Logits of all spans. The network stays in evaluation mode, so threads can share it."""
        network = self.checkpoint.network
        with torch.inference_mode(), _autocast(network.device, precision):
            return network(prompts.to(network.device))

    def begin_update(
        self, prompts: Prompts, precision: str = "float32", dropout: float = 0.0
    ) -> tuple[Tensor, Backprop]:
        """Logits of all spans, and a callback that takes their gradient."""
        network = self.checkpoint.network
        network.requires_grad_(False)
        for _, parameter in _trained(network):
            parameter.requires_grad_(True)
        network.train()
        network.encoder.dropout.p = dropout
        try:
            with _autocast(network.device, precision), _fast_attention(network.device):
                logits = network(prompts.to(network.device))
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
        network = self.checkpoint.network
        if self._optimizer is None:
            self._optimizer = _adamw(network)
        for _ in range(self._behind):
            optimizer.step_schedules()
        self._steps, self._behind = self._steps + 1, 0
        for group, rate in zip(self._optimizer.param_groups, (1.0, self.head_rate), strict=True):
            group["lr"] = optimizer.learn_rate * rate
            group["betas"] = (optimizer.b1, optimizer.b2)
            group["eps"] = optimizer.eps
            group["weight_decay"] = optimizer.L2
        if optimizer.grad_clip:
            nn.utils.clip_grad_norm_(network.parameters(), optimizer.grad_clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def training_state(self) -> dict[str, Any]:
        """The optimizer's state, and the number of its steps."""
        optimizer = self._optimizer.state_dict() if self._optimizer is not None else None
        return {"optimizer": optimizer, "steps": self._steps}

    def load_training_state(self, state: dict[str, Any]) -> None:
        """Go on from what `training_state` gave: the next update brings the schedules there too."""
        self._steps = self._behind = state["steps"]
        if state["optimizer"] is not None:
            self._optimizer = _adamw(self.checkpoint.network)
            self._optimizer.load_state_dict(state["optimizer"])

    # Saving

    def to_device(self, device_type: str, device_id: int) -> None:
        device = "cpu" if device_type == "cpu" else f"cuda:{device_id}"
        self.checkpoint.network.to(device)

    def to_bytes(self) -> bytes:
        return srsly.msgpack_dumps(self.checkpoint.to_files())

    def from_bytes(self, data: bytes) -> "GLiNERShim":
        self.checkpoint = Checkpoint.from_files(srsly.msgpack_loads(data))
        return self

    def __getstate__(self) -> dict[str, Any]:
        # Locks cannot be pickled or copied.
        return {key: value for key, value in self.__dict__.items() if key != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()


def shim_of(model: Model) -> GLiNERShim:
    """The shim of a model made by one of our architectures."""
    return cast(GLiNERShim, model.shims[0])


def _autocast(device: torch.device, precision: str) -> AbstractContextManager:
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16")


def _fast_attention(device: torch.device) -> AbstractContextManager:
    """On a CPU the plain kernels are twice as fast as the fused ones, going backward."""
    return sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext()


def _trained(network: nn.Module) -> list[tuple[str, nn.Parameter]]:
    """All but word embeddings, which stay those of rare words too, and the unused pooler."""
    return [
        (name, parameter)
        for name, parameter in network.named_parameters()
        if "word_embeddings" not in name and "pooler" not in name
    ]


def _adamw(network: nn.Module) -> torch.optim.AdamW:
    """Two groups of parameters: the encoder's, and the rest."""
    encoder: list[nn.Parameter] = []
    head: list[nn.Parameter] = []
    for name, parameter in _trained(network):
        (encoder if ".transformer." in name else head).append(parameter)
    return torch.optim.AdamW([{"params": encoder}, {"params": head}], fused=True)
