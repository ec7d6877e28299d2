"""Reading on, row by row, against the library's own pass over each whole row."""

from random import Random

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MT5Config,
    OPTConfig,
    Qwen2Config,
    T5Config,
)

from spacy_gliner.gner.cache import GROWTH
from spacy_gliner.gner.head import output_scale
from spacy_gliner.gner.rows import CausalRows, T5Rows

N_PIECES = 40
ENDS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": None}
LLAMA = {
    "vocab_size": N_PIECES,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "initializer_range": 0.5,
    **ENDS,
}
T5 = {
    "vocab_size": N_PIECES,
    "d_model": 16,
    "d_kv": 8,
    "num_heads": 2,
    "d_ff": 24,
    "num_layers": 2,
    "initializer_factor": 3.0,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 20,
    "decoder_start_token_id": 0,
}
GPT2 = {"n_embd": 16, "n_layer": 2, "n_head": 2, "n_positions": 128, "initializer_range": 0.5}
OPT = {"ffn_dim": 24, "word_embed_proj_dim": 16, "max_position_embeddings": 128, "init_std": 0.5}
CONFIGS = {
    "T5": T5Config(**T5),
    "untied T5": T5Config(**T5, tie_word_embeddings=False),
    "mT5": MT5Config(**T5),
    "LLaMA": LlamaConfig(**LLAMA, num_key_value_heads=1),
    "Qwen2": Qwen2Config(**LLAMA, num_key_value_heads=1),
    "GPT-2": GPT2Config(vocab_size=N_PIECES, **ENDS, **GPT2),
    "GPT-NeoX": GPTNeoXConfig(**LLAMA),
    "OPT": OPTConfig(**{**LLAMA, **OPT, "pad_token_id": 2}),
}


@pytest.fixture(scope="module", params=CONFIGS)
def network(request):
    config = CONFIGS[request.param]
    torch.manual_seed(0)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    network = kind.from_config(config).eval().double()
    # Biases are 0 at first, so that no mistake in them could be seen.
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.rand_like(parameter))
    return network


@torch.inference_mode()
def read_whole(network, prompt: list[int], row: list[int]) -> torch.Tensor:
    """Logits of a whole row, without any cache. *Shape:* (pieces, vocabulary)"""
    inputs = torch.tensor([row])
    if network.config.is_encoder_decoder:
        prompts = torch.tensor([prompt])
        return network(input_ids=prompts, decoder_input_ids=inputs, use_cache=False).logits[0]
    return network(inputs, use_cache=False).logits[0]


class Walk:
    """Rows, beside what they should have read."""

    def __init__(self, network, prompts: list[list[int]]) -> None:
        self.network = network
        self.prompts = prompts
        self.rows = (T5Rows if network.config.is_encoder_decoder else CausalRows)(network)
        self.begun = self.rows.begin(prompts)
        self.texts = [
            prompt[:start] for prompt, (start, _) in zip(prompts, self.begun, strict=True)
        ]

    def step(self, parents: list[int], starts: list[int], chunks: list[list[int]]) -> None:
        """Read, and compare the logits of each piece with those that the library gives it."""
        hidden = self.rows.step(parents, starts, chunks)
        assert hidden.shape[:2] == (len(parents), max(1, *map(len, chunks)))
        with torch.inference_mode():
            found = self.network.get_output_embeddings()(hidden * output_scale(self.network))
        self.prompts = [self.prompts[row] for row in parents]
        begun = [self.texts[row][:start] for row, start in zip(parents, starts, strict=True)]
        self.texts = [own + chunk for own, chunk in zip(begun, chunks, strict=True)]
        for row, chunk in enumerate(chunks):
            if chunk:
                whole = read_whole(self.network, self.prompts[row], self.texts[row])
                own = found[row, : len(chunk)]
                torch.testing.assert_close(own, whole[starts[row] :], rtol=0, atol=1e-9)


def pieces(rng: Random, least: int, most: int) -> list[int]:
    return rng.choices(range(2, N_PIECES), k=rng.randint(least, most))


@pytest.mark.parametrize("seed", range(4))
def test_chunks_choices_and_returns_are_as_if_each_row_were_read_at_once(network, seed):
    rng = Random(seed)
    walk = Walk(network, [pieces(rng, 1, 9) for _ in range(3)])
    starts, leads = zip(*walk.begun, strict=True)
    walk.step([0, 1, 2], list(starts), [[*lead, *pieces(rng, 1, 5)] for lead in leads])
    for _ in range(6):
        parents = rng.choices(range(len(walk.texts)), k=rng.randint(1, 4))
        starts = [rng.randint(0, len(walk.texts[row])) for row in parents]
        walk.step(parents, starts, [pieces(rng, 0, 6) for _ in parents])


def test_rows_longer_than_the_first_buffers(network):
    """One row grows by much, the other by little; then they change places."""
    rng = Random(0)
    walk = Walk(network, [pieces(rng, 3, 3), pieces(rng, 5, 5)])
    (first, lead), (second, _) = walk.begun
    walk.step([0, 1], [first, second], [[*lead, 5], [*lead, 6]])
    walk.step([0, 1], [len(walk.texts[0]), 1], [pieces(rng, GROWTH, GROWTH), [7]])
    walk.step([1, 0], [2, GROWTH], [[8, 9], pieces(rng, 30, 30)])


def test_padding_does_not_need_places_that_the_model_does_not_have(network):
    """A row at its end beside one that reads on."""
    rng = Random(0)
    walk = Walk(network, [pieces(rng, 3, 3), pieces(rng, 5, 5)])
    walk.step([0, 1], [0, 0], [pieces(rng, 120, 120), [5]])
    walk.step([0, 1], [120, 1], [pieces(rng, 8, 8), pieces(rng, 20, 20)])


def test_the_prompts_are_as_long_as_they_are(network):
    """Each row's target begins behind its own prompt, or in a row of its own."""
    begun = Walk(network, [[5, 6], [7, 8, 9]]).begun
    expected = [(0, [0])] * 2 if network.config.is_encoder_decoder else [(2, ()), (3, ())]
    assert begun == expected
