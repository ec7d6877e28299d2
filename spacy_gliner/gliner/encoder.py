"""From word pieces to the vectors of types and words."""

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from .packed import PackedTransformer
from .prompt import Prompts
from .unpadded import encode_unpadded, reads_unpadded


class PieceEncoder(nn.Module):
    """A bidirectional transformer; its output in the width of the model.

    fuse_layers: mix all its layers, instead of taking the last one.
    """

    def __init__(
        self, transformer: PreTrainedModel, hidden_size: int, *, fuse_layers: bool = False
    ) -> None:
        super().__init__()
        self.transformer = transformer
        width = transformer.config.hidden_size
        layers = transformer.config.num_hidden_layers
        self.fuser = LayerFuser(layers, width) if fuse_layers else None
        self.projection: nn.Module = nn.Identity()
        if width != hidden_size:
            self.projection = nn.Linear(width, hidden_size)

    @property
    def limits(self) -> tuple[int, ...]:
        """The pieces that the transformer can read; empty if it has no table of positions."""
        for name, module in self.transformer.named_modules():
            if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
                # Some models count from behind the padding piece.
                unused = 0 if module.padding_idx is None else module.padding_idx + 1
                return (module.num_embeddings - unused,)
        return ()

    def encode(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """input_ids, attention_mask: *Shape:* (rows, pieces)

        Returns *Shape:* (rows, pieces, hidden_size)
        """
        output = self.transformer(
            input_ids=input_ids,
            attention_mask=attention_mask,
            output_hidden_states=self.fuser is not None,
        )
        if self.fuser is None:
            return self.projection(output.last_hidden_state)
        return self.projection(self.fuser(output.hidden_states[1:], attention_mask))


class PromptEncoder(PieceEncoder):
    """Types and words in one row: each sees the others."""

    def __init__(
        self,
        transformer: PreTrainedModel,
        hidden_size: int,
        *,
        dropout: float = 0.0,
        pooling: str = "first",
        fuse_layers: bool = False,
    ) -> None:
        super().__init__(transformer, hidden_size, fuse_layers=fuse_layers)
        self.dropout = nn.Dropout(dropout)
        self.pooling = pooling

    def forward(self, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Vectors of types and words.

        *Shape:* (rows, types, hidden_size), (rows, words, hidden_size)
        """
        pieces = self.dropout(self.pieces(prompts))
        return pick(pieces, prompts.type_positions), pool(pieces, prompts, self.pooling)

    def pieces(self, prompts: Prompts) -> Tensor:
        """The vectors of the pieces that are wanted; others may be anything.

        *Shape:* (rows, pieces, hidden_size)
        """
        ids, mask = prompts.input_ids, prompts.attention_mask
        if isinstance(self.transformer, PackedTransformer):
            return self.projection(self.transformer(ids, mask, self.wanted(prompts)))
        # On a CPU padding costs as much as pieces do.
        is_slow = self.training and ids.device.type == "cpu"
        if is_slow and self.fuser is None and reads_unpadded(self.transformer):
            return self.projection(encode_unpadded(self.transformer, ids, mask))
        return self.encode(ids, mask)

    def wanted(self, prompts: Prompts) -> Tensor:
        """The pieces that stand for types and words. *Shape:* (rows, pieces) bool"""
        return word_pieces(prompts, self.pooling).scatter(1, prompts.type_positions, True)


class LayerFuser(nn.Module):
    """A sum of layers, weighted by squeeze and excitation (arXiv 1709.01507).

    A layer's mean is taken over real pieces only, so that a row's vectors do not depend on the rows
    beside it. (The reference library's do.)
    """

    def __init__(self, layers: int, width: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(width, 1)
        self.W1 = nn.Linear(layers, layers // 2)
        self.W2 = nn.Linear(layers // 2, layers)
        self.output_projection = nn.Linear(width, width)

    def forward(self, layers: tuple[Tensor, ...], attention_mask: Tensor) -> Tensor:
        """layers: *Shape:* (rows, pieces, width) each; attention_mask: *Shape:* (rows, pieces)"""
        mask = attention_mask[..., None].to(layers[0].dtype)
        means = [(layer * mask).sum(1) / mask.sum(1) for layer in layers]
        squeezed = self.squeeze(torch.stack(means, dim=1)).squeeze(-1)
        weights = torch.sigmoid(self.W2(torch.relu(self.W1(squeezed))))
        return self.output_projection(torch.einsum("krph,rk->rph", torch.stack(layers), weights))


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
        # The recurrence adds up rounding errors, so it runs in full precision.
        with torch.autocast(words.device.type, enabled=False):
            words = words.float()
            rightward, _ = self.left_to_right(words)
            leftward, _ = self.right_to_left(pick(words, mirror))
            return torch.cat([rightward, pick(leftward, mirror)], dim=-1)

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


def pick(vectors: Tensor, positions: Tensor) -> Tensor:
    """For each row, the vectors at its positions.

    vectors: *Shape:* (rows, n, hidden); positions: *Shape:* (rows, m)
    Returns *Shape:* (rows, m, hidden)
    """
    rows = torch.arange(vectors.size(0), device=vectors.device)[:, None]
    return vectors[rows, positions]


def pool(pieces: Tensor, prompts: Prompts, pooling: str) -> Tensor:
    """The words' vectors: those of their first or last pieces, or the mean or maximum of all.

    pieces: *Shape:* (rows, pieces, hidden)
    Returns *Shape:* (rows, words, hidden)
    """
    if pooling in ("first", "last"):
        return pick(pieces, prompts.word_positions)
    rows, n_words = prompts.word_positions.shape
    # What belongs to no word goes to one more, which is left out again.
    shape = (rows, n_words + 1, pieces.size(-1))
    owners = prompts.piece_words[..., None].expand_as(pieces)
    # ONNX can scatter neither a mean nor a maximum without what was there before: hence the counts.
    ones = torch.ones_like(prompts.piece_words, dtype=pieces.dtype)
    counts = pieces.new_zeros(shape[:2]).scatter_add(1, prompts.piece_words, ones)[..., None]
    if pooling == "mean":
        words = pieces.new_zeros(shape).scatter_add(1, owners, pieces) / counts.clamp(min=1)
    else:
        lowest = pieces.new_full(shape, torch.finfo(pieces.dtype).min)
        words = lowest.scatter_reduce(1, owners, pieces, "amax").masked_fill(counts == 0, 0.0)
    return words[:, :n_words]


def word_pieces(prompts: Prompts, pooling: str) -> Tensor:
    """The pieces that `pool` reads, and perhaps a few more. *Shape:* (rows, pieces) bool"""
    if pooling in ("first", "last"):
        none = torch.zeros_like(prompts.piece_words, dtype=torch.bool)
        return none.scatter(1, prompts.word_positions, True)
    return prompts.piece_words < prompts.word_positions.size(1)


def _mirror(counts: Tensor, length: int) -> Tensor:
    """For each row, its words' positions from the last to the first; padding stays in its place.

    *Shape:* (rows, length)
    """
    positions = torch.arange(length, device=counts.device)
    return torch.where(positions < counts[:, None], counts[:, None] - 1 - positions, positions)
