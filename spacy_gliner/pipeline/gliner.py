"""The "gliner" component: zero-shot entities in `doc.ents` or `doc.spans`."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model

from ..errors import Errors
from ..gliner.checkpoint import Checkpoint
from ..gliner.decode import MODES, decode, join_adjacent
from ..gliner.prompt import RowBuilder
from ..training.learner import Learner
from ..training.settings import TrainingSettings
from .annotations import Prediction
from .base import Labels, ZeroShotPipe, choice
from .inference import Limits, Request, Text, find_candidates
from .labels import DEFAULT_THRESHOLD, LabelSet, check_config_keys
from .words import Words, doc_words

Threshold = float | dict[str, float]

# In int8 a span in forty is another one, and it takes about as long as in bfloat16.
PRECISIONS = ("float32", "bfloat16")


class GLiNER(ZeroShotPipe):
    """Finds spans of any types by matching them with the types' names (arXiv 2311.08526).

    The settings are those of the factory "gliner": see the README's table.
    """

    labels_extension = "gliner_labels"

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
        check_config_keys("threshold", threshold)
        self._threshold = threshold
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
        self.mode = choice("mode", mode, MODES)
        self.window = window
        self.overlap = overlap
        self.training = TrainingSettings.create(training or {})
        self.model.attrs["precision"] = choice("precision", precision, PRECISIONS)

    # Labels

    @property
    def threshold(self) -> Threshold:
        """A number, or a number for each label."""
        return self._threshold

    @threshold.setter
    def threshold(self, threshold: Threshold) -> None:
        self._label_set = LabelSet.create(self.label_data, threshold)
        self._threshold = threshold

    def _create_labels(self, labels: Labels) -> LabelSet:
        return LabelSet.create(labels, self._threshold)

    def _create_own_labels(self, labels: Labels) -> LabelSet:
        threshold = self._threshold_for(labels)
        return LabelSet.create(labels, threshold, setting=self._own_labels_setting)

    def _threshold_for(self, labels: Labels) -> Threshold:
        """A document's own labels have the thresholds that are set for them."""
        if not isinstance(self._threshold, dict):
            return self._threshold
        return {name: value for name, value in self._threshold.items() if name in labels}

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
            predictions.append(self._in_tokens(doc, request.words, request.labels, candidates))
        return predictions

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
        return self._shim.checkpoint

    # Training and saving

    def _make_learner(self) -> Learner:
        return Learner(self.model, self.training)

    @property
    def cfg(self) -> dict[str, Any]:
        return {**super().cfg, "threshold": self._threshold}

    def _set_state(self, state: dict[str, Any]) -> None:
        self._threshold = state["threshold"]
        super()._set_state(state)
