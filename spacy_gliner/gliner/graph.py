"""The network with the inputs and the output of the reference library's ONNX graphs.

All sizes are taken from the inputs, so that one graph serves any number of rows, words and types.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn

from .bi_encoder import BiEncoder
from .encoder import pick, pool
from .network import NO_SPAN, GLiNERNetwork
from .prompt import Prompts

# Inputs in their order, with the names of the axes that may have any length.
TEXT = {
    "input_ids": ("rows", "pieces"),
    "attention_mask": ("rows", "pieces"),
    "words_mask": ("rows", "pieces"),
    "text_lengths": ("rows",),
}
SPANS = {"span_idx": ("rows", "spans"), "span_mask": ("rows", "spans")}
LABELS = {
    "labels_input_ids": ("labels", "label_pieces"),
    "labels_attention_mask": ("labels", "label_pieces"),
}
OUTPUT = "logits"


class Graph(nn.Module, ABC):
    """Scores what is asked for, by inputs of these names (all of integers, but for span_mask).

    input_ids, attention_mask: *Shape:* (rows, pieces)
    words_mask: the number of each piece's word, from 1; 0 for pieces that are not read as words.
        *Shape:* (rows, pieces)
    text_lengths: the words of each row. *Shape:* (rows, 1)
    span_idx: the first and the last word of each span, `max_width` spans for each word. (Only
        where spans are scored, and not words.) *Shape:* (rows, words * max_width, 2)
    span_mask: which of them are real. *Shape:* (rows, words * max_width)
    """

    def __init__(self, network: GLiNERNetwork) -> None:
        super().__init__()
        self.network = network

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """The inputs' names, and those of their axes, in order."""
        return TEXT if self.network.scores_words else {**TEXT, **SPANS}

    @property
    def output(self) -> tuple[str, ...]:
        """The names of the output's axes."""
        if self.network.scores_words:
            return ("rows", "words", "types")
        return ("rows", "words", "max_width", "types")

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits. *Shape:* (rows, words, max_width, types), or (rows, words, types, 3)"""
        given = dict(zip(self.inputs, inputs, strict=True))
        logits = self.logits(given)
        if self.network.scores_words:
            return logits.transpose(2, 3)
        return asked(logits, given["span_idx"], given["span_mask"])

    @abstractmethod
    def logits(self, given: Mapping[str, Tensor]) -> Tensor:
        """As those of the network."""


class PromptGraph(Graph):
    """Types stand in the prompt, and are found there by their markers.

    marker: the piece id. embed_ent_token: a type's vector is that of its marker.
    """

    def __init__(self, network: GLiNERNetwork, *, marker: int, embed_ent_token: bool) -> None:
        super().__init__(network)
        self._marker = marker
        self._shift = 0 if embed_ent_token else 1

    def logits(self, given: Mapping[str, Tensor]) -> Tensor:
        marked = (given["input_ids"] == self._marker) & (given["attention_mask"] > 0)
        counts = marked.sum(1)
        types = _owners(marked.long().cumsum(1) * marked, counts.max())
        return self.network(_prompts(given, _places(types, counts.max()) + self._shift, counts))


class BiGraph(Graph):
    """Types are labels beside the text, read by an encoder of their own; all rows have the same.

    labels_input_ids, labels_attention_mask: *Shape:* (labels, label_pieces)
    """

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        return {**super().inputs, **LABELS}

    def logits(self, given: Mapping[str, Tensor]) -> Tensor:
        encoder = cast(BiEncoder, self.network.encoder)
        types = encoder.labels.mean(given["labels_input_ids"], given["labels_attention_mask"])
        counts = types.size(0) * torch.ones_like(given["text_lengths"]).flatten()
        places = torch.arange(types.size(0), device=types.device)[None]
        prompts = _prompts(given, places, counts)
        pieces = encoder.encode(prompts.input_ids, prompts.attention_mask)
        return self.network.score(types[None], pool(pieces, prompts, encoder.pooling), prompts)


def asked(logits: Tensor, span_idx: Tensor, span_mask: Tensor) -> Tensor:
    """The logits of the spans that are asked for.

    logits: of those that begin at each word. *Shape:* (rows, words, max_width, types)
    Returns *Shape:* (rows, spans / max_width, max_width, types)
    """
    rows, _, max_width, n_types = logits.shape
    starts, ends = (span_idx * span_mask[..., None]).unbind(-1)
    spans = pick(logits.flatten(1, 2), starts * max_width + ends - starts)
    spans = spans.masked_fill(~span_mask[..., None], NO_SPAN)
    return spans.reshape(rows, -1, max_width, n_types)


def _prompts(given: Mapping[str, Tensor], type_positions: Tensor, type_counts: Tensor) -> Prompts:
    word_counts = given["text_lengths"].flatten()
    words = _owners(given["words_mask"], word_counts.max())
    return Prompts(
        input_ids=given["input_ids"],
        attention_mask=given["attention_mask"],
        type_positions=type_positions,
        word_positions=_places(words, word_counts.max()),
        piece_words=words,
        type_counts=type_counts,
        word_counts=word_counts,
    )


def _owners(numbers: Tensor, count: Tensor) -> Tensor:
    """The unit of each piece, from its number, which begins with 1; `count` where that is 0."""
    return torch.where(numbers > 0, numbers - 1, count)


def _places(owners: Tensor, count: Tensor) -> Tensor:
    """Where the piece of each unit stands. *Shape:* (rows, count)"""
    positions = torch.arange(owners.size(1), device=owners.device).expand_as(owners)
    # As a tensor the length is traced; as a number it would become a constant.
    length = cast(int, count + 1)
    return owners.new_zeros(owners.size(0), length).scatter(1, owners, positions)[:, :-1]
