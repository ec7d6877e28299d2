"""Rows of word pieces that a decoder reads on, each from its own place."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import DynamicCache, EncoderDecoderCache, PreTrainedModel

from .cache import RowCache

Pieces = Sequence[int]

# Models without an encoder for which rows were tested to be exact. Others hide keys by rules of
# their own, or change logits behind the output matrix.
DECODERS = (
    "falcon",
    "gemma",
    "gpt2",
    "gpt_neox",
    "llama",
    "mistral",
    "mixtral",
    "olmo2",
    "opt",
    "phi",
    "phi3",
    "qwen2",
    "qwen3",
    "smollm3",
    "stablelm",
    "starcoder2",
)


class Rows(ABC):
    """One row a prompt to begin with.

    Rows of different lengths are exact: each piece is read at its own position in its row.
    """

    def __init__(self, network: PreTrainedModel) -> None:
        self.network = network
        self.cache = RowCache()
        self._count = 0

    @abstractmethod
    def begin(self, prompts: Sequence[Pieces]) -> list[tuple[int, Pieces]]:
        """Read the prompts. Returns where each row's target begins, and with which pieces."""

    @abstractmethod
    def _read(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Hidden states. *Shape:* (rows, pieces) twice -> (rows, pieces, width)"""

    @torch.inference_mode()
    def step(
        self, parents: Sequence[int], starts: Sequence[int], chunks: Sequence[Pieces]
    ) -> Tensor:
        """Read a chunk for each row, at `starts`; what stood behind them is forgotten.

        parents: the row of the last step that each goes on from.
        Returns hidden states; behind a row's own pieces they mean nothing.
            *Shape:* (rows, longest chunk, width)
        """
        if list(parents) != list(range(self._count)):
            self._select(parents)
        self._count = len(parents)
        ids = pad([*chunks, [0]], device=self.network.device)[:-1]
        first = torch.tensor(list(starts), device=ids.device)[:, None]
        ends = first + torch.tensor([len(chunk) for chunk in chunks], device=ids.device)[:, None]
        positions = first + torch.arange(ids.shape[1], device=ids.device)
        self.cache.place(positions)
        # What pads a row is read at its last position: the model may have none behind it.
        return self._read(ids, positions.minimum(ends - 1).clamp(min=0))

    def _select(self, rows: Sequence[int]) -> None:
        self.cache.select(rows)


class CausalRows(Rows):
    """Of a model that has only a decoder: the prompt is the beginning of its row."""

    def begin(self, prompts: Sequence[Pieces]) -> list[tuple[int, Pieces]]:
        self._count = len(prompts)
        self.step(range(len(prompts)), [0] * len(prompts), prompts)
        return [(len(prompt), ()) for prompt in prompts]

    def _read(self, ids: Tensor, positions: Tensor) -> Tensor:
        distance = self.cache.hidden()
        least = torch.finfo(self.network.dtype).min
        mask = torch.zeros_like(distance, dtype=self.network.dtype).masked_fill(distance > 0, least)
        return self.network.base_model(
            input_ids=ids,
            attention_mask=mask[:, None],
            position_ids=positions,
            cache_position=positions[0],
            past_key_values=self.cache,
            use_cache=True,
        ).last_hidden_state


class T5Rows(Rows):
    """Of a T5, whose decoder takes positions only relative to one another.

    The library's own decoder counts them for all rows alike; here its layers are given a bias for
    each row.
    """

    @torch.inference_mode()
    def begin(self, prompts: Sequence[Pieces]) -> list[tuple[int, Pieces]]:
        self._count = len(prompts)
        device = self.network.device
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
        ids = pad(prompts, device=device)
        mask = torch.arange(ids.shape[1], device=device) < lengths[:, None]
        self._encoded = self.network.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        least = torch.finfo(self._encoded.dtype).min
        self._prompt_bias = torch.zeros_like(mask, dtype=self._encoded.dtype)
        self._prompt_bias = self._prompt_bias.masked_fill(~mask, least)[:, None, None]
        self._caches = EncoderDecoderCache(self.cache, DynamicCache())
        self._bias_by_distance = self._biases(1)
        return [(0, [self.network.config.decoder_start_token_id])] * len(prompts)

    def _read(self, ids: Tensor, positions: Tensor) -> Tensor:
        decoder = self.network.decoder
        hidden = decoder.embed_tokens(ids)
        bias = self._position_bias()
        for block in decoder.block:
            hidden = block(
                hidden,
                position_bias=bias,
                encoder_hidden_states=self._encoded,
                encoder_decoder_position_bias=self._prompt_bias,
                past_key_value=self._caches,
                use_cache=True,
                cache_position=positions[0],
            )[0]
        return decoder.final_layer_norm(hidden)

    def _position_bias(self) -> Tensor:
        """What is added to the attention of each piece to each key.

        *Shape:* (rows, heads, pieces, width)
        """
        distance = self.cache.hidden()
        if len(self._bias_by_distance) < self.cache.width:
            self._bias_by_distance = self._biases(2 * self.cache.width)
        bias = self._bias_by_distance[(-distance).clamp(min=0)]
        least = torch.finfo(bias.dtype).min
        return bias.masked_fill((distance > 0)[..., None], least).permute(0, 3, 1, 2)

    def _biases(self, count: int) -> Tensor:
        """For keys 0, 1, 2 ... positions back. *Shape:* (count, heads)"""
        attention = self.network.decoder.block[0].layer[0].SelfAttention
        last = torch.tensor([count - 1], device=self.network.device)
        bias = attention.compute_bias(1, count, cache_position=last)
        return bias[0, :, 0].T.flip(0)

    def _select(self, rows: Sequence[int]) -> None:
        super()._select(rows)
        index = torch.tensor(list(rows), device=self._encoded.device)
        self._encoded, self._prompt_bias = self._encoded[index], self._prompt_bias[index]
        self._caches.cross_attention_cache.reorder_cache(index)


def pad(rows: Sequence[Pieces], *, device: torch.device) -> Tensor:
    """*Shape:* (rows, longest)"""
    tensors = [torch.tensor(list(row), dtype=torch.long) for row in rows]
    return pad_sequence(tensors, batch_first=True).to(device)
