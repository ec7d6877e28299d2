"""Learning on word vectors that another component makes: each document is one row."""

from collections.abc import Iterable, Sequence
from typing import cast

from spacy.training import Example
from thinc.api import set_dropout_rate

from ..corpus.passage import Passage
from ..gliner.batches import batches
from ..gliner.shared import SharedRowBuilder, WordVectors
from ..pipeline.labels import LabelSet
from ..shim import shim_of
from .learner import Learner
from .loss import count_positives
from .rows import Row


class SharedLearner(Learner):
    """A learner whose documents stay whole, for their vectors come from elsewhere."""

    def read_whole(
        self, examples: Iterable[Example], *, spans_key: str, labels: LabelSet
    ) -> list[Passage]:
        """One passage for each example, also where it has no word."""
        return [
            self.read_passage(example, spans_key=spans_key, words="spacy", labels=labels)
            for example in examples
        ]

    def update_on(
        self, passages: Sequence[Passage], texts: Sequence[WordVectors], *, dropout: float
    ) -> float:
        """Add the gradients of these passages, to those of the vectors too.

        Returns their loss a positive span.
        """
        set_dropout_rate(self.model, dropout)
        builder = cast(SharedRowBuilder, shim_of(self.model).checkpoint.prompts)
        asked = [
            (self.ask(Row((passage,))), text)
            for passage, text in zip(passages, texts, strict=True)
            if passage.words
        ]
        asked = [(question, text) for question, text in asked if question.types]
        types = builder.types([question.types for question, _ in asked])
        n_positives = count_positives([question for question, _ in asked])
        total = 0.0
        for indices in batches([len(text) for _, text in asked], self.settings.max_pieces):
            prompts = builder.batch([(types[i], asked[i][1]) for i in indices])
            logits, backprop = self.model.begin_update(prompts)
            loss, gradient = self.loss([asked[i][0] for i in indices], logits)
            backprop(gradient / n_positives)
            total += loss / n_positives
        return total
