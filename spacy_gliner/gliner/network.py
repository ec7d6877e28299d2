"""The span-matching network of GLiNER (arXiv 2311.08526, section 2)."""

import torch
from torch import Tensor, nn

from .encoder import PromptEncoder, WordLSTM
from .prompt import Prompts

# The logit of what is no span: its probability and its gradient are zero in every precision.
NO_SPAN = -1e4


class GLiNERNetwork(nn.Module):
    """Encoder, BiLSTM over the words, feed-forward network over the types, span scorer."""

    def __init__(
        self, encoder: PromptEncoder, words: WordLSTM, types: nn.Module, scorer: nn.Module
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.words = words
        self.types = types
        self.scorer = scorer

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def forward(self, prompts: Prompts) -> Tensor:
        """Logits of all spans, `NO_SPAN` where padding makes one that is not real.

        *Shape:* (rows, words, max_width, types), float32
        """
        types, words = self.encoder(prompts)
        words = self.words(words, prompts.word_counts)
        logits = self.scorer(words, self.types(types))
        return logits.masked_fill(~_real(prompts, logits), NO_SPAN)


def _real(prompts: Prompts, logits: Tensor) -> Tensor:
    """Which spans end within their row's words, and which types are real."""
    _, n_words, max_width, n_types = logits.shape
    device = logits.device
    last = torch.arange(n_words, device=device)[:, None] + torch.arange(max_width, device=device)
    spans = last < prompts.word_counts.to(device)[:, None, None]
    types = torch.arange(n_types, device=device) < prompts.type_counts.to(device)[:, None]
    return spans[..., None] & types[:, None, None]
