"""What the components share: labels, results in a Doc, the data they are trained on."""

import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any, ClassVar

from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example, validate_get_examples
from spacy.vocab import Vocab
from thinc.api import Model

from ..corpus.passage import Passage
from ..errors import Errors, Warnings
from ..gliner.decode import Candidates, decode
from .annotations import EXISTING, Prediction, register_extensions, set_ents, set_spans
from .labels import LabelSet, check_config_keys
from .trained import CheckpointPipe
from .words import WORD_MODES, Words, token_spans

Labels = Sequence[str] | dict[str, str]

# How many examples are looked at when training begins; a stream has no end.
INITIAL_EXAMPLES = 1000


class ZeroShotPipe(CheckpointPipe):
    """Finds spans of types that are named when it runs. Components say how, in `predict`.

    labels_extension: the extension of a Doc that holds labels of its own.
    mode: which spans may overlap, as `decode` has it.
    """

    labels_extension: ClassVar[str]
    mode: str = "flat"

    def __init__(
        self,
        vocab: Vocab,
        model: Model,
        name: str,
        *,
        labels: Labels,
        spans_key: str,
        existing_ents: str,
        words: str,
        max_batch_pieces: int,
        scorer: Callable | None,
    ) -> None:
        self.vocab = vocab
        self.model = model
        self.name = name
        self.scorer = scorer
        self.spans_key = spans_key
        self.existing_ents = choice("existing_ents", existing_ents, EXISTING)
        self.words = choice("words", words, WORD_MODES)
        self.max_batch_pieces = max_batch_pieces
        check_config_keys("labels", labels)
        self._warned = False
        self.labels = labels
        register_extensions()
        if not Doc.has_extension(self.labels_extension):
            Doc.set_extension(self.labels_extension, default=None)

    # Labels

    @property
    def labels(self) -> tuple[str, ...]:
        """What `span.label_` can become. Set a list, or a mapping to what the model reads."""
        return self._label_set.names

    @labels.setter
    def labels(self, labels: Labels) -> None:
        self._label_set = self._create_labels(labels)

    @property
    def label_data(self) -> dict[str, str]:
        """The labels, each with what the model reads for it."""
        return dict(zip(self._label_set.names, self._label_set.prompts, strict=True))

    def add_label(self, label: str, description: str | None = None) -> int:
        """Add a label, and what the model reads for it if that is another text.

        Returns 1, or 0 if it was there already.
        """
        if label in self.labels and description in (None, self.label_data[label]):
            return 0
        self.labels = {**self.label_data, label: description or label}
        return 1

    def _labels_of(self, doc: Doc) -> LabelSet:
        """The document's own labels, or else the component's; warns if there are none."""
        own = doc._.get(self.labels_extension)
        labels = self._label_set if own is None else self._create_own_labels(own)
        if not len(labels) and not self._warned:
            self._warned = True
            message = Warnings.G041.format(name=self.name, extension=self.labels_extension)
            warnings.warn(message, stacklevel=2)
        return labels

    def _create_labels(self, labels: Labels) -> LabelSet:
        """The component's labels. Raises ValueError if they cannot be asked for."""
        return LabelSet.create(labels)

    def _create_own_labels(self, labels: Labels) -> LabelSet:
        """Those of one document."""
        return LabelSet.create(labels, setting=self._own_labels_setting)

    @property
    def _own_labels_setting(self) -> str:
        return f"doc._.{self.labels_extension}"

    # Annotating

    @abstractmethod
    def predict(self, docs: Iterable[Doc]) -> list[Prediction]:
        """The spans of each document, in its tokens."""

    def _in_tokens(
        self, doc: Doc, words: Words, labels: LabelSet, candidates: Candidates
    ) -> Prediction:
        """Choose among spans of words, and bring them to the document's tokens."""
        start, end = token_spans(doc, words, candidates.start, candidates.end)
        spans = decode(replace(candidates, start=start, end=end), self.mode)
        names = [labels.names[type_] for type_ in spans.type.tolist()]
        return Prediction(spans.start, spans.end, names, spans.score)

    def set_annotations(self, docs: Iterable[Doc], scores: list[Prediction]) -> None:
        """Write to `doc.ents` in flat mode, to `doc.spans[spans_key]` in the others."""
        for doc, prediction in zip(docs, scores, strict=True):
            if self.mode == "flat":
                set_ents(doc, prediction, existing=self.existing_ents)
            else:
                set_spans(doc, prediction, spans_key=self.spans_key)

    # Training, and what is saved

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
        validate_get_examples(get_examples, f"{type(self).__name__}.initialize")
        if labels is not None:
            self.labels = labels
        self._learner = self._make_learner()
        examples = list(islice(get_examples(), INITIAL_EXAMPLES))
        passages = self._read(examples)
        # One document is what spaCy makes up when a pipeline is initialised without data.
        if len(examples) > 1 and not any(passage.spans for passage in passages):
            raise ValueError(Errors.G407.format(spans_key=self.spans_key))

    def _read(self, examples: Iterable[Example]) -> list[Passage]:
        passages = self.learner.read(
            examples, spans_key=self.spans_key, words=self.words, labels=self._label_set
        )
        self.learner.warn_of_dropped()
        return passages

    @property
    def cfg(self) -> dict[str, Any]:
        return {"labels": self.label_data, "mode": self.mode, "spans_key": self.spans_key}

    def _set_state(self, state: dict[str, Any]) -> None:
        self._label_set = self._create_labels(state["labels"])


def choice(setting: str, value: str, choices: tuple[str, ...]) -> str:
    """The value. Raises ValueError [G001] if it is none of the choices."""
    if value not in choices:
        raise ValueError(
            Errors.G001.format(setting=setting, value=value, choices=", ".join(choices))
        )
    return value
