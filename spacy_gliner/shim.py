"""The shims of the two kinds of networks: what they read, and which weights are trained."""

from collections.abc import Callable
from typing import cast

import torch
from thinc.api import Model
from torch import Tensor, nn

from .checkpoint_shim import CheckpointShim
from .gliner.checkpoint import Checkpoint
from .gliner.frozen import freeze
from .gliner.prompt import Prompts
from .gner.checkpoint import GNERCheckpoint
from .gner.network import TargetBatch, target_logits
from .precision import InferenceCopy, has_onednn

# What modules of the transformers library, and torch's own Dropout, call their rate.
DROPOUTS = {"p", "dropout", "attention_dropout"}


class GLiNERShim(CheckpointShim[Checkpoint]):
    """Batches are Prompts, and logits those of all spans.

    All is trained but word embeddings, which stay those of rare words too, and the unused pooler.
    head_rate: the learning rate of all but the encoder, as a multiple of the optimizer's.
    """

    kind = Checkpoint

    def __init__(self, load: Callable[[], Checkpoint]) -> None:
        super().__init__(load)
        self.head_rate = 1.0
        self._frozen = InferenceCopy(freeze)

    def predict(self, batch: Prompts, precision: str = "float32") -> Tensor:
        """The logits of a batch; on a CPU from a copy of the network that is made for inference."""
        network = self.checkpoint.network
        if network.device.type == "cpu" and has_onednn():
            with self._lock:
                frozen = self._frozen.get(network, precision)
            with torch.inference_mode():
                return frozen(batch)
        return super().predict(batch, precision)

    def _logits(self, batch: Prompts) -> Tensor:
        network = self.checkpoint.network
        return network(batch.to(network.device))

    def _prepare(self, dropout: float) -> None:
        self.checkpoint.network.encoder.dropout.p = dropout

    def _groups(self) -> list[list[nn.Parameter]]:
        """Those of the encoder, and the rest."""
        encoder: list[nn.Parameter] = []
        head: list[nn.Parameter] = []
        for name, parameter in self.checkpoint.network.named_parameters():
            if "word_embeddings" not in name and "pooler" not in name:
                (encoder if ".transformer." in name else head).append(parameter)
        return [encoder, head]

    def _rates(self) -> list[float]:
        return [1.0, self.head_rate]


class GNERShim(CheckpointShim[GNERCheckpoint]):
    """Batches are TargetBatches, and logits those of the pieces that are learned.

    All weights are trained; those that layers share are one.
    """

    kind = GNERCheckpoint

    def _logits(self, batch: TargetBatch) -> Tensor:
        network = self.checkpoint.network
        return target_logits(network, batch.to(network.device)).float()

    def _prepare(self, dropout: float) -> None:
        network = self.checkpoint.network
        # Weights of 16 bits are too coarse to take in small steps.
        network.float()
        for module in network.modules():
            for name in DROPOUTS & vars(module).keys():
                setattr(module, name, dropout)

    def _groups(self) -> list[list[nn.Parameter]]:
        return [list(self.checkpoint.network.parameters())]

    def _rates(self) -> list[float]:
        return [1.0]


def shim_of(model: Model) -> GLiNERShim:
    """The shim of a model made by one of our architectures."""
    return cast(GLiNERShim, model.shims[0])
