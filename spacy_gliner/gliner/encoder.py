"""From a prompt to the vectors of its types and words."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .prompt import Prompts


class PromptEncoder(nn.Module):
    """A bidirectional transformer, and first-piece pooling of types and words."""

    def __init__(self, transformer: PreTrainedModel, hidden_size: int, dropout: float) -> None:
        super().__init__()
        self.transformer = transformer
        width = transformer.config.hidden_size
        self.projection = nn.Linear(width, hidden_size) if width != hidden_size else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Vectors of types and words.

        *Shape:* (rows, types, hidden_size), (rows, words, hidden_size)
        """
        output = self.transformer(
            input_ids=prompts.input_ids, attention_mask=prompts.attention_mask
        ).last_hidden_state
        pieces = self.dropout(self.projection(output))
        rows = torch.arange(len(pieces), device=pieces.device)[:, None]
        return pieces[rows, prompts.type_positions], pieces[rows, prompts.word_positions]


class WordLSTM(nn.Module):
    """One bidirectional LSTM layer over the words of each row, padding left out.

    Two LSTMs of one direction, since the fast CPU kernels take no packed sequences; that of the
    second reads each row from its own last word to its first.
    """

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.left_to_right = nn.LSTM(hidden_size, hidden_size // 2, batch_first=True)
        self.right_to_left = nn.LSTM(hidden_size, hidden_size // 2, batch_first=True)

    def forward(self, words: Tensor, counts: Tensor) -> Tensor:
        """words: *Shape:* (rows, words, hidden); counts: *Shape:* (rows,)"""
        mirror = _mirror(counts.to(words.device), words.size(1))
        rows = torch.arange(len(words), device=words.device)[:, None]
        # The recurrence adds up rounding errors, so it runs in full precision.
        with torch.autocast(words.device.type, enabled=False):
            words = words.float()
            rightward, _ = self.left_to_right(words)
            leftward, _ = self.right_to_left(words[rows, mirror])
            return torch.cat([rightward, leftward[rows, mirror]], dim=-1)

    @torch.no_grad()
    def start_near_identity(self) -> None:
        """Initialise so that the layer first passes its input on, each direction one half of it.

        Then the pretrained encoder's vectors reach the span scorer from the first step: without a
        residual connection, which published checkpoints lack, it learns much faster.
        """
        for direction, lstm in enumerate((self.left_to_right, self.right_to_left)):
            half = lstm.hidden_size
            weights: dict[str, Tensor] = dict(lstm.named_parameters())
            _, _, cell, _ = weights["weight_ih_l0"].chunk(4)
            identity = torch.zeros_like(cell)
            identity[:, direction * half : (direction + 1) * half].fill_diagonal_(1.0)
            cell.add_(identity)
            # The gates' order is input, forget, cell, output: in and out open, little remembered.
            gates = torch.tensor([2.0, -1.0, 0.0, 2.0])
            weights["bias_ih_l0"].copy_(gates.repeat_interleave(half))
            weights["bias_hh_l0"].zero_()


def _mirror(counts: Tensor, length: int) -> Tensor:
    """For each row, its words' positions from the last to the first; padding stays in its place.

    *Shape:* (rows, length)
    """
    positions = torch.arange(length, device=counts.device)
    return torch.where(positions < counts[:, None], counts[:, None] - 1 - positions, positions)
