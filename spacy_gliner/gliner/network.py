"""The span-matching network of GLiNER (arXiv 2311.08526, section 2)."""

import torch
from torch import Tensor, nn

from .encoder import PromptEncoder, WordLSTM
from .labels import LabelEncoder
from .prompt import Prompts
from .shared import SharedEncoder, SharedPrompts

# The logit of what is no span: its probability and its gradient are zero in every precision.
NO_SPAN = -1e4


class GLiNERNetwork(nn.Module):
    """Encoder, BiLSTM over the words, feed-forward network over the types, scorer.

    encoder: prompts -> vectors of types and words.
    words: None in models without an LSTM.
    scores_words: the scorer scores each word's place in a span, and not spans by their width.
    """

    def __init__(
        self,
        encoder: PromptEncoder | SharedEncoder,
        words: WordLSTM | None,
        types: nn.Module,
        scorer: nn.Module,
        *,
        scores_words: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.words = words
        self.types = types
        self.scorer = scorer
        self.scores_words = scores_words

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def label_encoder(self) -> LabelEncoder | None:
        """Reads the labels of a bi-encoder."""
        return getattr(self.encoder, "labels", None)

    def forward(self, prompts: Prompts | SharedPrompts) -> Tensor:
        """Logits of all spans (or words), `NO_SPAN` where padding makes one that is not real.

        *Shape:* (rows, words, max_width, types), or (rows, words, 3, types) if `scores_words`;
        float32
        """
        types, words = self.encoder(prompts)
        return self.score(types, words, prompts)

    def score(self, types: Tensor, words: Tensor, prompts: Prompts | SharedPrompts) -> Tensor:
        """As `forward`, from the encoder's vectors."""
        if self.words is not None:
            words = self.words(words, prompts.word_counts)
        logits = self.scorer(words, self.types(types))
        return logits.masked_fill(~self._real(prompts, logits), NO_SPAN)

    def _real(self, prompts: Prompts | SharedPrompts, logits: Tensor) -> Tensor:
        """Which spans end within their row's words, and which types are real."""
        _, n_words, n_widths, n_types = logits.shape
        device = logits.device
        last = torch.arange(n_words, device=device)[:, None]
        if not self.scores_words:
            last = last + torch.arange(n_widths, device=device)
        spans = last < prompts.word_counts.to(device)[:, None, None]
        types = torch.arange(n_types, device=device) < prompts.type_counts.to(device)[:, None]
        return spans[..., None] & types[:, None, None]
