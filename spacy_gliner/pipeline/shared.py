"""The "gliner" component on an encoder that it shares with other components of the pipeline."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import srsly
import torch
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import Model, set_dropout_rate, torch2xp, xp2torch

from ..gliner.shared import WordVectors
from ..training.shared import SharedLearner
from .base import Labels
from .gliner import GLiNER
from .words import Words

TOK2VEC = "tok2vec"


class SharedGLiNER(GLiNER):
    """A GLiNER bi-encoder without an encoder of the text: its model has a layer `tok2vec`.

    That is a listener to a "transformer" or "tok2vec" component, or an embedding of its own.
    """

    @property
    def tok2vec(self) -> Model:
        return self.model.get_ref(TOK2VEC)

    def _texts(self, docs: Sequence[Doc], words: Sequence[Words]) -> list[WordVectors]:
        arrays = self.tok2vec.predict(list(docs))
        return [
            WordVectors(xp2torch(array)[_word_tokens(doc)])
            for doc, array in zip(docs, arrays, strict=True)
        ]

    def initialize(
        self,
        get_examples: Callable[[], Iterable[Example]],
        *,
        nlp: Language | None = None,
        labels: Labels | None = None,
    ) -> None:
        self.tok2vec.initialize(X=[Doc(self.vocab, words=["word"])])
        super().initialize(get_examples, nlp=nlp, labels=labels)

    def _learn(self, examples: list[Example], *, dropout: float) -> float:
        """As for any model, and hand the gradient to the shared encoder."""
        docs = [example.predicted for example in examples]
        set_dropout_rate(self.model, dropout)
        arrays, backprop = self.tok2vec.begin_update(docs)
        tensors = [xp2torch(array, requires_grad=True) for array in arrays]
        with torch.enable_grad():
            texts = [
                WordVectors(tensor[_word_tokens(doc)])
                for doc, tensor in zip(docs, tensors, strict=True)
            ]
        learner = cast(SharedLearner, self.learner)
        passages = learner.read_whole(examples, spans_key=self.spans_key, labels=self._label_set)
        learner.warn_of_dropped()
        loss = learner.update_on(passages, texts, dropout=dropout)
        backprop([torch2xp(_gradient(tensor)) for tensor in tensors])
        return loss

    def _make_learner(self) -> SharedLearner:
        return SharedLearner(self.model, self.training)

    # Saving: beside the checkpoint, the layer that gives the vectors

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        super().to_disk(path, exclude=exclude)
        util.to_disk(Path(path), {TOK2VEC: lambda p: self.tok2vec.to_disk(p)}, exclude)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "SharedGLiNER":
        super().from_disk(path, exclude=exclude)
        readers: dict[str, Callable[[Path], Any]] = {TOK2VEC: lambda p: self.tok2vec.from_disk(p)}
        util.from_disk(Path(path), readers, exclude)
        return self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        own = super().to_bytes(exclude=exclude)
        return srsly.msgpack_dumps({"gliner": own, TOK2VEC: self.tok2vec.to_bytes()})

    def from_bytes(self, bytes_data: bytes, *, exclude: Iterable[str] = ()) -> "SharedGLiNER":
        parts: dict[str, Any] = srsly.msgpack_loads(bytes_data)
        super().from_bytes(parts["gliner"], exclude=exclude)
        self.tok2vec.from_bytes(parts[TOK2VEC])
        return self


def _word_tokens(doc: Doc) -> torch.Tensor:
    """The tokens that are words, as `doc_words` has them. *Shape:* (words,)"""
    return torch.from_numpy(np.array([token.i for token in doc if not token.is_space], dtype=int))


def _gradient(tensor: torch.Tensor) -> torch.Tensor:
    """Zeros where nothing was asked of a document."""
    return torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
