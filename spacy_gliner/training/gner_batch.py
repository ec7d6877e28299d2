"""Prompts and targets in word pieces, put together as a network reads them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ..gner.bio import write_tag
from ..gner.checkpoint import GNERCheckpoint
from ..gner.context import kept_words
from ..gner.network import TargetBatch


@dataclass(frozen=True)
class Target:
    """A row: what the network is given, and what it is to write.

    prompt, pieces: ids. learned: for each of `pieces`, whether it bears loss.
    """

    prompt: Sequence[int]
    pieces: Sequence[int]
    learned: Sequence[bool]

    @property
    def size(self) -> int:
        return len(self.prompt) + len(self.pieces)


def make_target(
    checkpoint: GNERCheckpoint,
    prompt: Sequence[int],
    words: Sequence[str],
    tags: Sequence[str],
    *,
    tags_only: bool,
) -> Target:
    """The target of a text, with as many of its words as the checkpoint's settings say.

    words: without white space in them (`bio.compact`). tags: one a word.
    tags_only: whether words, with the brackets behind them, bear no loss.
    """
    config, target = checkpoint.config, checkpoint.target
    kept = kept_words(tags, config.context)
    pieces: list[int] = []
    learned: list[bool] = []
    for index, word in zip(kept, target.words([words[index] for index in kept]), strict=True):
        tag = target.tag(write_tag(tags[index], boundaries=config.boundaries))
        pieces += [*word, *tag]
        learned += [not tags_only] * len(word) + [True] * len(tag)
    return Target(prompt, [*pieces, target.eos], [*learned, not tags_only])


def make_batch(targets: Sequence[Target], *, start: int | None) -> TargetBatch:
    """start: the piece that a decoder begins with; None for a model that has only a decoder."""
    prompts = [target.prompt for target in targets]
    leads = prompts if start is None else [[start]] * len(targets)
    rows = [[*lead, *t.pieces[:-1]] for lead, t in zip(leads, targets, strict=True)]
    learned = [
        [*[False] * (len(lead) - 1), *t.learned] for lead, t in zip(leads, targets, strict=True)
    ]
    inputs = rows if start is None else prompts
    labels = [
        piece for t in targets for piece, counts in zip(t.pieces, t.learned, strict=True) if counts
    ]
    return TargetBatch(
        inputs=_pad(inputs),
        mask=_pad([1] * len(row) for row in inputs),
        decoder_inputs=None if start is None else _pad(rows),
        learned=_pad(learned).bool(),
        labels=torch.tensor(labels, dtype=torch.long),
    )


def _pad(rows: Iterable[Sequence[int]]) -> Tensor:
    """On the right, where it makes no difference: neither mask nor loss lets it in."""
    return pad_sequence([torch.tensor(row, dtype=torch.long) for row in rows], batch_first=True)
