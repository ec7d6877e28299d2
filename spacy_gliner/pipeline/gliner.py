"""The "gliner" component: zero-shot entities in `doc.ents` or `doc.spans`."""

import json
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, cast

from spacy import util
from spacy.language import Language
from spacy.pipeline import TrainablePipe
from spacy.tokens import Doc
from spacy.training import Example, validate_examples, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model, Optimizer
from torch import Tensor

from ..errors import Errors, Warnings
from ..gliner.checkpoint import Checkpoint
from ..gliner.decode import MODES, decode, join_adjacent
from ..gliner.prompt import RowBuilder
from ..shim import shim_of
from ..training.learner import Learner
from ..training.settings import TrainingSettings
from ..training.types import Question
from .annotations import EXISTING, Prediction, register_extensions, set_ents, set_spans
from .inference import Limits, Request, Text, find_candidates
from .labels import DEFAULT_THRESHOLD, LabelSet, check_config_keys
from .words import WORD_MODES, Words, doc_words, token_spans

Labels = Sequence[str] | dict[str, str]
Threshold = float | dict[str, float]

PRECISIONS = ("float32", "bfloat16")
# How many examples are looked at when training begins; a stream has no end.
INITIAL_EXAMPLES = 1000
LABELS_EXTENSION = "gliner_labels"


class GLiNER(TrainablePipe):
    """Finds spans of any types by matching them with the types' names (arXiv 2311.08526).

    The settings are those of the factory "gliner": see the README's table.
    """

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str = "gliner",
        *,
        labels: Labels = (),
        threshold: Threshold = DEFAULT_THRESHOLD,
        mode: str = "flat",
        spans_key: str = "sc",
        existing_ents: str = "keep",
        words: str = "spacy",
        window: int | None = None,
        overlap: int | None = None,
        max_batch_pieces: int = 4096,
        precision: str = "float32",
        training: dict[str, Any] | None = None,
        scorer: Callable | None = None,
    ) -> None:
        """Raises ValueError, with a code, for a setting that cannot work."""
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.mode = _choice("mode", mode, MODES)
        self.spans_key = spans_key
        self.existing_ents = _choice("existing_ents", existing_ents, EXISTING)
        self.words = _choice("words", words, WORD_MODES)
        self.window = window
        self.overlap = overlap
        self.max_batch_pieces = max_batch_pieces
        check_config_keys("labels", labels)
        check_config_keys("threshold", threshold)
        self.training = TrainingSettings.create(training or {})
        self._threshold = threshold
        self._learner: Learner | None = None
        self._warned = False
        self.labels = labels
        self.model.attrs["precision"] = _choice("precision", precision, PRECISIONS)
        register_extensions()
        if not Doc.has_extension(LABELS_EXTENSION):
            Doc.set_extension(LABELS_EXTENSION, default=None)

    # Labels

    @property
    def labels(self) -> tuple[str, ...]:
        """What `span.label_` can become. Set a list, or a mapping to what the model reads."""
        return self._label_set.names

    @labels.setter
    def labels(self, labels: Labels) -> None:
        self._label_set = LabelSet.create(labels, self._threshold)

    @property
    def label_data(self) -> dict[str, str]:
        """The labels, each with what the model reads for it."""
        return dict(zip(self._label_set.names, self._label_set.prompts, strict=True))

    @property
    def threshold(self) -> Threshold:
        """A number, or a number for each label."""
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: Threshold) -> None:
        self._label_set = LabelSet.create(self.label_data, threshold)
        self._threshold = threshold

    def add_label(self, label: str, description: str | None = None) -> int:
        """Add a label, and what the model reads for it if that is another text.

        Returns 1, or 0 if it was there already.
        """
        if label in self.labels and description in (None, self.label_data[label]):
            return 0
        self.labels = {**self.label_data, label: description or label}
        return 1

    # Annotating

    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """The spans of each document, in its tokens."""
        docs = list(docs)
        self._check_words()
        requests = [Request(doc_words(doc, self.words), self._labels_of(doc)) for doc in docs]
        texts = self._texts(docs, [request.words for request in requests])
        found = find_candidates(self.model, requests, texts, self._limits())
        predictions = []
        for doc, request, candidates in zip(docs, requests, found, strict=True):
            if self._checkpoint.config.joins_words:
                candidates = join_adjacent(decode(candidates, self.mode))
            start, end = token_spans(doc, request.words, candidates.start, candidates.end)
            spans = decode(replace(candidates, start=start, end=end), self.mode)
            labels = [request.labels.names[type_] for type_ in spans.type.tolist()]
            predictions.append(Prediction(spans.start, spans.end, labels, spans.score))
        return predictions

    def set_annotations(self, docs: Iterable[Doc], scores: list[Prediction]) -> None:
        """Write to `doc.ents` in flat mode, to `doc.spans[spans_key]` in the others."""
        for doc, prediction in zip(docs, scores, strict=True):
            if self.mode == "flat":
                set_ents(doc, prediction, existing=self.existing_ents)
            else:
                set_spans(doc, prediction, spans_key=self.spans_key)

    def _labels_of(self, doc: Doc) -> LabelSet:
        own = doc._.gliner_labels
        labels = (
            self._label_set
            if own is None
            else LabelSet.create(own, self._threshold_for(own), setting="doc._.gliner_labels")
        )
        if not len(labels) and not self._warned:
            self._warned = True
            warnings.warn(Warnings.G041.format(name=self.name), stacklevel=2)
        return labels

    def _threshold_for(self, labels: Labels) -> Threshold:
        """A document's own labels have the thresholds that are set for them."""
        if not isinstance(self._threshold, dict):
            return self._threshold
        return {name: value for name, value in self._threshold.items() if name in labels}

    def _texts(self, docs: Sequence[Doc], words: Sequence[Words]) -> Sequence[Text]:
        """What the model reads of each document."""
        builder = cast(RowBuilder, self._checkpoint.prompts)
        return builder.units([own.texts for own in words])

    def _check_words(self) -> None:
        splitter = self._checkpoint.config.words_splitter_type
        if self.words == "regex" and splitter != "whitespace":
            raise ValueError(Errors.G016.format(splitter=splitter))

    def _limits(self) -> Limits:
        config, longest_row = self._checkpoint.config, self._checkpoint.longest_row
        window = longest_row if self.window is None else self.window
        overlap = 2 * config.max_width if self.overlap is None else self.overlap
        if overlap < config.max_width:
            raise ValueError(Errors.G020.format(overlap=overlap, max_width=config.max_width))
        if not 4 * config.max_width <= window <= longest_row:
            least = 4 * config.max_width
            raise ValueError(Errors.G021.format(window=window, least=least, most=longest_row))
        text = window if self.window is not None else config.text_window or window
        return Limits(window, max(text, 4 * config.max_width), overlap, self.max_batch_pieces)

    @property
    def _checkpoint(self) -> Checkpoint:
        return shim_of(self.model).checkpoint

    # Training

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Labels | None = None,
    ) -> None:
        """Look at the data before training; the model's weights stay as they are.

        labels: replaces the component's labels.
        Raises ValueError if there is no gold span.
        """
        validate_get_examples(get_examples, "GLiNER.initialize")
        if labels is not None:
            self.labels = labels
        self._learner = self._make_learner()
        examples = list(islice(get_examples(), INITIAL_EXAMPLES))
        passages = self._read(examples)
        # One document is what spaCy makes up when a pipeline is initialised without data.
        if len(examples) > 1 and not any(passage.spans for passage in passages):
            raise ValueError(Errors.G407.format(spans_key=self.spans_key))

    def update(
        self,
        examples: Iterable[Example],
        *,
        drop: float = 0.0,
        sgd: Optimizer | None = None,
        losses: dict[str, float] | None = None,
    ) -> dict[str, float]:
        """Learn from a batch of examples; sets the loss a positive span in `losses`."""
        losses = {} if losses is None else losses
        examples = list(examples)
        validate_examples(examples, "GLiNER.update")
        losses[self.name] = losses.get(self.name, 0.0) + self._learn(examples, dropout=drop)
        if sgd:
            self.finish_update(sgd)
        return losses

    def _learn(self, examples: list[Example], *, dropout: float) -> float:
        """Add the gradients of a batch; returns the loss."""
        return self.learner.update(self._read(examples), dropout=dropout)

    def get_loss(self, examples: Sequence[Question], scores: Tensor) -> tuple[float, Tensor]:
        """The loss of logits, and its gradient; questions take the place of examples.

        *Shape:* scores and gradient: (rows, words, max_width, types)
        """
        return self.learner.loss(examples, scores)

    @property
    def learner(self) -> Learner:
        if self._learner is None:
            self._learner = self._make_learner()
        return self._learner

    def _make_learner(self) -> Learner:
        return Learner(self.model, self.training)

    def _read(self, examples: Iterable[Example]):
        passages = self.learner.read(
            examples, spans_key=self.spans_key, words=self.words, labels=self._label_set
        )
        self.learner.warn_of_dropped()
        return passages

    # Saving

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write a folder; the model is a checkpoint folder within it."""
        writers = {
            "cfg": lambda p: p.write_text(json.dumps(self.cfg), encoding="utf8"),
            "model": lambda p: self._checkpoint.to_disk(p),
        }
        util.to_disk(Path(path), writers, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "GLiNER":
        """Read what `to_disk` wrote; needs neither a network nor the encoder it began with."""
        readers = {
            "cfg": lambda p: self._set_state(json.loads(p.read_text(encoding="utf8"))),
            "model": lambda p: self._set_checkpoint(Checkpoint.from_disk(p)),
        }
        util.from_disk(Path(path), readers, exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        writers = {
            "cfg": lambda: json.dumps(self.cfg).encode("utf8"),
            "model": lambda: shim_of(self.model).to_bytes(),
        }
        return util.to_bytes(writers, exclude)

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "GLiNER":
        readers = {
            "cfg": lambda b: self._set_state(json.loads(b)),
            "model": lambda b: shim_of(self.model).from_bytes(b),
        }
        util.from_bytes(bytes_data, readers, exclude)
        return self

    @property
    def cfg(self) -> dict[str, Any]:
        """What is saved beside the model; spaCy hands it to the scorer too."""
        return {
            "labels": self.label_data,
            "threshold": self._threshold,
            "mode": self.mode,
            "spans_key": self.spans_key,
        }

    def _set_state(self, state: dict[str, Any]) -> None:
        self._label_set = LabelSet.create(state["labels"], state["threshold"])
        self._threshold = state["threshold"]

    def _set_checkpoint(self, checkpoint: Checkpoint) -> None:
        shim_of(self.model).checkpoint = checkpoint


def _choice(setting: str, value: str, choices: tuple[str, ...]) -> str:
    if value not in choices:
        raise ValueError(
            Errors.G001.format(setting=setting, value=value, choices=", ".join(choices))
        )
    return value
