"""What the learners of all components share: examples -> passages -> rows -> questions."""

import random
import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import torch
from spacy.training import Example
from thinc.api import Model
from thinc.util import get_torch_default_device
from torch import Tensor

from ..corpus.passage import Passage
from ..errors import Warnings
from ..pipeline.labels import LabelSet
from .gold import read_example
from .rows import Row, slices
from .settings import BaseTrainingSettings
from .thesaurus import Thesaurus
from .types import Question, Questioner


class BaseLearner(ABC):
    """Trains a model on examples; made when training begins, and not saved with the pipeline.

    dropped: for each cause, how much of the gold annotation seen so far was left out.
    """

    settings: BaseTrainingSettings

    def __init__(self, model: Model, settings: BaseTrainingSettings) -> None:
        self.model = model
        self.settings = settings
        self.dropped: Counter[str] = Counter()
        self._told: set[str] = set()
        # spaCy seeds the global generator by [training] seed.
        self._rng = Random(random.getrandbits(32))
        thesaurus = Thesaurus.from_disk(settings.thesaurus) if settings.thesaurus else Thesaurus()
        self._questioner = Questioner(settings, thesaurus, self._rng)
        model.attrs["training_precision"] = training_precision(settings.precision)

    @abstractmethod
    def update(self, passages: Sequence[Passage], *, dropout: float) -> float:
        """Add the gradients of these passages; returns their loss."""

    @abstractmethod
    def loss(self, batch: Any, logits: Tensor, /) -> tuple[float, Tensor]:
        """The summed loss of a batch, and its gradient. *Shape:* that of logits"""

    def read(
        self, examples: Iterable[Example], *, spans_key: str, words: str, labels: LabelSet
    ) -> list[Passage]:
        """Passages of at most row_words words; their types become negatives of later ones."""
        passages: list[Passage] = []
        for example in examples:
            passage = self.read_passage(example, spans_key=spans_key, words=words, labels=labels)
            if passage.words:
                parts = list(slices(passage, self.settings.row_words))
                whole = sum(len(part.spans) for part in parts)
                self.dropped["cut by training.row_words"] += len(passage.spans) - whole
                passages.extend(parts)
        return passages

    def read_passage(
        self, example: Example, *, spans_key: str, words: str, labels: LabelSet
    ) -> Passage:
        """An example's words and gold spans; its types become negatives of later passages."""
        passage = read_example(
            example, spans_key=spans_key, words=words, labels=labels, dropped=self.dropped
        )
        self._questioner.pool.add(passage)
        return passage

    def ask(self, row: Row) -> Question:
        return self._questioner.ask(row)

    def warn_of_dropped(self) -> None:
        """Tell once of each cause for which something of the gold annotation was left out."""
        for cause, count in self.dropped.items():
            if count and cause not in self._told:
                self._told.add(cause)
                warnings.warn(Warnings.G440.format(cause=cause, count=count), stacklevel=2)

    def _words(self, question: Question) -> list[str]:
        lower = self._rng.random() < self.settings.lower_case
        words = question.row.words
        return [word.lower() for word in words] if lower else words


def training_precision(setting: str) -> str:
    """What "auto" stands for on this machine."""
    if setting != "auto":
        return setting
    if get_torch_default_device().type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if native else "float32"
