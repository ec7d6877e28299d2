"""One update of GNER: passages -> questions -> targets -> batches -> gradients."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import cast

import torch
from thinc.api import set_dropout_rate
from torch import Tensor
from torch.nn import functional as F

from ..corpus.passage import Passage
from ..errors import Errors
from ..gliner.batches import batches
from ..gner.bio import compact, spans_to_tags, tags_to_spans
from ..gner.checkpoint import GNERCheckpoint
from ..gner.config import FULL
from ..gner.network import TargetBatch
from ..shim import GNERShim
from .base import BaseLearner
from .gner_batch import Target, make_batch, make_target
from .rows import Row
from .settings import TAGS, GNERTrainingSettings
from .types import Question


class GNERLearner(BaseLearner):
    """Trains a model that writes words with their tags (GNER, arXiv 2402.16602).

    A row is one passage: that is what the model is given when it is used.
    """

    settings: GNERTrainingSettings

    def update(self, passages: Sequence[Passage], *, dropout: float) -> float:
        """Add the gradients of these passages; returns their loss a piece that bears some.

        Raises ValueError [G541] if the model's context and the setting `loss` do not go together.
        """
        if self.settings.loss == TAGS and self._checkpoint.config.context != FULL:
            raise ValueError(Errors.G541.format(context=self._checkpoint.config.context))
        questions = [self.ask(Row((passage,))) for passage in passages]
        targets = self._targets([question for question in questions if question.types])
        set_dropout_rate(self.model, dropout)
        n_learned = sum(sum(target.learned) for target in targets)
        total = 0.0
        for batch in self._batches(targets):
            logits, backprop = self.model.begin_update(batch)
            loss, gradient = self.loss(batch, logits)
            backprop(gradient / n_learned)
            total += loss / n_learned
        return total

    def ask(self, row: Row) -> Question:
        """A question of types of which all is known: the tag O denies every one that is asked."""
        return only_known(super().ask(row))

    def loss(self, batch: TargetBatch, logits: Tensor) -> tuple[float, Tensor]:
        """The summed cross-entropy of the pieces that bear loss, and its gradient.

        *Shape:* logits and gradient: (positions, vocabulary)
        """
        logits = logits.detach().requires_grad_(True)
        with torch.enable_grad():
            total = F.cross_entropy(logits, batch.labels.to(logits.device), reduction="sum")
        (gradient,) = torch.autograd.grad(total, logits)
        return total.item(), gradient

    def _targets(self, questions: Sequence[Question]) -> list[Target]:
        """What the model is to write; rows that it cannot read are left out."""
        checkpoint = self._checkpoint
        words = [compact(self._words(question)) for question in questions]
        asked = [(own, question.types) for own, question in zip(words, questions, strict=True)]
        tags_only = self.settings.loss == TAGS
        targets = [
            make_target(checkpoint, prompt, own, self._tags(question), tags_only=tags_only)
            for prompt, own, question in zip(
                checkpoint.prompts(asked), words, questions, strict=True
            )
        ]
        # T5 has no such limit: it knows how far pieces are from one another, not where they are.
        longest = getattr(checkpoint.network.config, "max_position_embeddings", inf)
        fitting = [target for target in targets if target.size <= longest]
        self.dropped["row longer than the model reads"] += len(targets) - len(fitting)
        return fitting

    def _tags(self, question: Question) -> list[str]:
        boundaries = self._checkpoint.config.boundaries
        chosen = flat(question.positives)
        spans = [(start, end, question.types[index]) for start, end, index in chosen]
        tags = spans_to_tags(spans, len(question.row.words), boundaries=boundaries)
        lost = len(question.positives) - len(chosen)
        self.dropped["overlaps a span that is longer or comes first"] += lost
        merged = len(spans) - len(tags_to_spans(tags))
        self.dropped["touches a span of its label, which plain boundaries cannot show"] += merged
        return tags

    def _batches(self, targets: Sequence[Target]) -> Iterator[TargetBatch]:
        network = self._checkpoint.network
        encodes = self._checkpoint.is_encoder_decoder
        start = network.config.decoder_start_token_id if encodes else None
        for batch in batches([target.size for target in targets], self.settings.max_pieces):
            yield make_batch([targets[i] for i in batch], start=start)

    @property
    def _checkpoint(self) -> GNERCheckpoint:
        return cast(GNERShim, self.model.shims[0]).checkpoint


def only_known(question: Question) -> Question:
    """The question of one passage, without the types that may be there though nobody marked them.

    These have no positives.
    """
    known = question.known[0]
    numbers = {int(old): new for new, old in enumerate(known.nonzero()[0])}
    return replace(
        question,
        types=tuple(question.types[old] for old in numbers),
        positives=tuple((start, end, numbers[old]) for start, end, old in question.positives),
        known=question.known[:, known],
    )


def flat(spans: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Of spans that share words the longest, and of these the first."""
    taken: set[int] = set()
    kept = []
    for start, end, type_ in sorted(spans, key=lambda span: (span[0] - span[1], span[0])):
        if taken.isdisjoint(range(start, end)):
            taken.update(range(start, end))
            kept.append((start, end, type_))
    return kept
