"""One update: examples -> passages -> rows -> questions -> batches -> gradients."""

import random
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import cast

import torch
from spacy.training import Example
from thinc.api import Model, set_dropout_rate
from thinc.util import get_torch_default_device
from torch import Tensor

from ..corpus.passage import Passage
from ..errors import Errors, Warnings
from ..gliner.batches import batches
from ..gliner.pieces import PIECES_MULTIPLE, round_up
from ..gliner.prompt import Prompts, RowBuilder
from ..pipeline.labels import LabelSet
from ..shim import shim_of
from .gold import read_example
from .loss import count_positives, loss_and_gradient, targets
from .rows import Row, pack, slices
from .settings import TrainingSettings
from .thesaurus import Thesaurus
from .types import Question, Questioner


class Learner:
    """Trains a model on examples; made when training begins, and not saved with the pipeline."""

    def __init__(self, model: Model, settings: TrainingSettings) -> None:
        self.model = model
        self.settings = settings
        self.dropped: Counter[str] = Counter()
        self._told: set[str] = set()
        # spaCy seeds the global generator by [training] seed.
        self._rng = Random(random.getrandbits(32))
        thesaurus = Thesaurus.from_disk(settings.thesaurus) if settings.thesaurus else Thesaurus()
        self._questioner = Questioner(settings, thesaurus, self._rng)
        shim_of(model).head_rate = settings.head_rate
        model.attrs["training_precision"] = training_precision(settings.precision)

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
        self._count_too_long(passage)
        self._questioner.pool.add(passage)
        return passage

    def ask(self, row: Row) -> Question:
        return self._questioner.ask(row)

    def update(self, passages: Sequence[Passage], *, dropout: float) -> float:
        """Add the gradients of these passages; returns their loss a positive span."""
        rows = pack(passages, max_words=self.settings.row_words, rng=self._rng)
        questions = [self.ask(row) for row in rows]
        questions = [question for question in questions if question.types]
        set_dropout_rate(self.model, dropout)
        n_positives = count_positives(questions)
        total = 0.0
        for batch, prompts in self._batches(questions):
            logits, backprop = self.model.begin_update(prompts)
            loss, gradient = self.loss(batch, logits)
            backprop(gradient / n_positives)
            total += loss / n_positives
        return total

    def loss(self, questions: Sequence[Question], logits: Tensor) -> tuple[float, Tensor]:
        """The summed loss of a batch, and its gradient. *Shape:* that of logits"""
        truth, known = targets(questions, logits)
        return loss_and_gradient(logits, truth, known, focus=self.settings.focus)

    def _batches(self, questions: list[Question]) -> Iterator[tuple[list[Question], Prompts]]:
        checkpoint = shim_of(self.model).checkpoint
        if checkpoint.config.is_token_level:
            raise ValueError(Errors.G411)
        builder = cast(RowBuilder, checkpoint.prompts)
        words = builder.units([self._words(question) for question in questions])
        types = builder.types([question.types for question in questions])
        sizes = [builder.size(*pair) for pair in zip(types, words, strict=True)]
        fitting = [i for i, size in enumerate(sizes) if size <= checkpoint.longest_row]
        self.dropped["row longer than the encoder reads"] += len(sizes) - len(fitting)
        rounded = [round_up(sizes[i], PIECES_MULTIPLE) for i in fitting]
        for batch in batches(rounded, self.settings.max_pieces):
            indices = [fitting[i] for i in batch]
            rows = [(types[i], words[i]) for i in indices]
            yield [questions[i] for i in indices], builder.batch(rows)

    def _words(self, question: Question) -> list[str]:
        lower = self._rng.random() < self.settings.lower_case
        words = question.row.words
        return [word.lower() for word in words] if lower else words

    def _count_too_long(self, passage: Passage) -> None:
        longest = shim_of(self.model).checkpoint.config.max_width
        too_long = sum(end - start > longest for start, end, _ in passage.spans)
        self.dropped[f"longer than {longest} words"] += too_long

    def warn_of_dropped(self) -> None:
        """Tell once of each cause for which something of the gold annotation was left out."""
        for cause, count in self.dropped.items():
            if count and cause not in self._told:
                self._told.add(cause)
                warnings.warn(Warnings.G440.format(cause=cause, count=count), stacklevel=2)


def training_precision(setting: str) -> str:
    """What "auto" stands for on this machine."""
    if setting != "auto":
        return setting
    if get_torch_default_device().type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    native = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if native else "float32"
