"""One update of GLiNER: passages -> rows -> questions -> batches -> gradients."""

from collections.abc import Iterator, Sequence
from typing import cast

from spacy.training import Example
from thinc.api import Model, set_dropout_rate
from torch import Tensor

from ..corpus.passage import Passage
from ..errors import Errors
from ..gliner.batches import batches
from ..gliner.pieces import round_up
from ..gliner.prompt import Prompts, RowBuilder
from ..pipeline.labels import LabelSet
from ..shim import shim_of
from .base import BaseLearner
from .loss import count_positives, loss_and_gradient, targets
from .rows import pack
from .settings import TrainingSettings
from .types import Question


class Learner(BaseLearner):
    """Trains a model that scores spans."""

    settings: TrainingSettings

    def __init__(self, model: Model, settings: TrainingSettings) -> None:
        super().__init__(model, settings)
        shim_of(model).head_rate = settings.head_rate

    def read_passage(
        self, example: Example, *, spans_key: str, words: str, labels: LabelSet
    ) -> Passage:
        passage = super().read_passage(example, spans_key=spans_key, words=words, labels=labels)
        longest = shim_of(self.model).checkpoint.config.max_width
        too_long = sum(end - start > longest for start, end, _ in passage.spans)
        self.dropped[f"longer than {longest} words"] += too_long
        return passage

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
        rounded = [round_up(sizes[i]) for i in fitting]
        for batch in batches(rounded, self.settings.max_pieces):
            indices = [fitting[i] for i in batch]
            rows = [(types[i], words[i]) for i in indices]
            yield [questions[i] for i in indices], builder.batch(rows)
