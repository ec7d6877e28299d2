"""Batches to draw a graph from and to check it with, in our form and in the graph's."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .bi_encoder import BiRowBuilder
from .config import GLiNERConfig
from .pieces import Pieces, pad
from .prompt import Prompts, RowBuilder

Row = tuple[Sequence[str], str]
# No axis is as long in the one as in the other: a graph with a length built in fails the check.
EXAMPLE: tuple[Row, ...] = (
    (["person", "city"], "Ada Lovelace lived in London"),
    (["date", "weather", "river"], "It rained"),
)
PROBE: tuple[Row, ...] = (
    (["city"], "Hello"),
    (
        ["person", "university", "mountain range", "date", "city"],
        "Next spring , Wangari Maathai and her students will walk from Nairobi to the Aberdare "
        "mountains , a journey of four days , and plant ten thousand trees on the way back .",
    ),
    (["person", "city"], "Nothing at all happened in Montevideo that day , said Mario ."),
)


def batch(builder: RowBuilder, rows: Sequence[Row]) -> Prompts:
    """The network's input for types and words."""
    label_sets = [labels for labels, _ in rows]
    if isinstance(builder, BiRowBuilder):
        # A bi-encoder's graph takes one label set for all rows.
        label_sets = [max(label_sets, key=len)] * len(rows)
    types = builder.types(label_sets)
    words = builder.units([text.split() for _, text in rows])
    return builder.batch(list(zip(types, words, strict=True)))


def graph_inputs(prompts: Prompts, config: GLiNERConfig) -> dict[str, Tensor]:
    """The same batch by the names, and in the form, of the reference library's inputs."""
    counts = prompts.word_counts[:, None]
    starts = torch.arange(int(counts.max())).repeat_interleave(config.max_width)
    ends = starts + torch.arange(config.max_width).repeat(int(counts.max()))
    spans = {
        "span_idx": torch.stack([starts, ends], dim=-1).expand(len(counts), -1, -1),
        "span_mask": ends < counts,
    }
    return {
        "input_ids": prompts.input_ids,
        "attention_mask": prompts.attention_mask,
        "words_mask": _word_numbers(prompts, config.subtoken_pooling),
        "text_lengths": counts,
        **({} if config.is_token_level else spans),
        **({} if prompts.labels is None else _label_inputs(prompts.labels)),
    }


def _word_numbers(prompts: Prompts, pooling: str) -> Tensor:
    """The number of its word, from 1, for each piece that is read as that word; 0 for others."""
    n_words = prompts.word_positions.size(1)
    if pooling in ("mean", "max"):
        owned = prompts.piece_words < n_words
        return (prompts.piece_words + 1) * owned
    words = torch.arange(n_words)
    numbers = (words + 1) * (words < prompts.word_counts[:, None])
    return torch.zeros_like(prompts.input_ids).scatter_add(1, prompts.word_positions, numbers)


def _label_inputs(labels: Pieces) -> dict[str, Tensor]:
    counts = torch.from_numpy(labels.counts)[:, None]
    longest = int(counts.max())
    rows = [labels[place : place + 1].ids for place in range(len(labels))]
    return {
        "labels_input_ids": pad(rows, longest, 0),
        "labels_attention_mask": (torch.arange(longest) < counts).long(),
    }
