"""The "gner" component: a generative model that tags every word, for zero-shot `doc.ents`."""

from collections.abc import Callable, Iterable
from functools import partial
from math import isfinite
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model

from ..errors import Errors
from ..gner.annotate import DECODINGS, PRECISIONS, Decoding, annotate, piece_counts
from ..gner.bio import TagSet
from ..training.gner import GNERLearner
from ..training.settings import GNERTrainingSettings
from .annotations import Prediction
from .base import Labels, ZeroShotPipe, choice
from .generation import Limits, find_entities
from .inference import Request
from .labels import LabelSet
from .words import doc_words

LEAST = {"beam": 1, "draft": 0, "window": 1, "overlap": 0, "max_batch_pieces": 1}


class GNER(ZeroShotPipe):
    """Has a language model write words with their tags, and reads the entities from them.

    (arXiv 2402.16602) The settings are those of the factory "gner": see the README's table. They
    can be changed at any time. Spans never overlap, and are written to `doc.ents`.
    """

    labels_extension = "gner_labels"

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str = "gner",
        *,
        labels: Labels = (),
        decoding: str = "forced",
        beam: int = 1,
        outside_bias: float = 0.0,
        draft: int = 16,
        spans_key: str = "sc",
        existing_ents: str = "keep",
        words: str = "spacy",
        window: int = 512,
        overlap: int = 16,
        max_batch_pieces: int = 4096,
        precision: str = "float32",
        training: dict[str, Any] | None = None,
        scorer: Callable | None = None,
    ) -> None:
        """Raises ValueError, with a code, for a setting that cannot work.

        draft: counts with forced decoding and beam 1; the others draft nothing.
        spans_key: where training looks for gold spans, before `doc.ents`.
        """
        super().__init__(
            vocab,
            model,
            name,
            labels=labels,
            spans_key=spans_key,
            existing_ents=existing_ents,
            words=words,
            max_batch_pieces=max_batch_pieces,
            scorer=scorer,
        )
        self.decoding = decoding
        self.beam = beam
        self.outside_bias = outside_bias
        self.draft = draft
        self.window = window
        self.overlap = overlap
        self.precision = precision
        self.training = GNERTrainingSettings.create(training or {})
        self._check()

    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """The spans of each document, in its tokens; scores are NaN with free decoding."""
        docs = list(docs)
        self._check()
        requests = [Request(doc_words(doc, self.words), self._labels_of(doc)) for doc in docs]
        found = find_entities(
            requests,
            Limits(self.window, self.overlap),
            count=partial(piece_counts, self._shim.checkpoint),
            annotate=partial(annotate, self._shim.checkpoint, decoding=self._decoding),
        )
        return [
            self._in_tokens(doc, request.words, request.labels, entities)
            for doc, request, entities in zip(docs, requests, found, strict=True)
        ]

    @property
    def _decoding(self) -> Decoding:
        return Decoding(
            decoding=self.decoding,
            beam=self.beam,
            outside_bias=self.outside_bias,
            draft=self.draft if self.beam == 1 else 0,
            precision=self.precision,
            max_batch_pieces=self.max_batch_pieces,
        )

    def _check(self) -> None:
        choice("decoding", self.decoding, DECODINGS)
        choice("precision", self.precision, PRECISIONS)
        for setting, least in LEAST.items():
            value = getattr(self, setting)
            if not isinstance(value, int) or value < least:
                self._refuse(setting, f"a whole number from {least} on")
        if not isfinite(self.outside_bias):
            self._refuse("outside_bias", "a finite number")
        if self.outside_bias and self.decoding != "forced":
            raise ValueError(Errors.G531.format(name=self.name, value=self.outside_bias))

    def _refuse(self, setting: str, demand: str) -> None:
        value = getattr(self, setting)
        raise ValueError(
            Errors.G530.format(setting=setting, name=self.name, value=value, demand=demand)
        )

    # Labels: a target must be readable

    def _create_labels(self, labels: Labels) -> LabelSet:
        return _readable(super()._create_labels(labels))

    def _create_own_labels(self, labels: Labels) -> LabelSet:
        return _readable(super()._create_own_labels(labels))

    # Training

    def _make_learner(self) -> GNERLearner:
        return GNERLearner(self.model, self.training)


def _readable(labels: LabelSet) -> LabelSet:
    """The labels. Raises ValueError [G503] for one whose tag could be read in two ways."""
    TagSet(labels.prompts)
    return labels
