"""Free decoding, as the paper does it: the model writes words and tags, piece by piece."""

from collections.abc import Sequence

import torch
from transformers import GenerationConfig, PreTrainedModel

from .rows import pad

Pieces = Sequence[int]


@torch.inference_mode()
def write(
    network: PreTrainedModel, prompts: Sequence[Pieces], *, eos: int, longest: int, beam: int
) -> list[list[int]]:
    """The pieces that the network writes for each prompt, greedily or with a beam over pieces.

    eos: the piece that ends a text. longest: after so many pieces it is cut off.
    """
    settings = GenerationConfig(
        max_new_tokens=longest,
        num_beams=beam,
        do_sample=False,
        eos_token_id=eos,
        pad_token_id=eos,
        decoder_start_token_id=getattr(network.config, "decoder_start_token_id", None),
    )
    # What goes on from its prompt must stand next to it: padding goes before.
    before = not network.config.is_encoder_decoder
    ids, mask = _padded(prompts, before=before)
    ids, mask = ids.to(network.device), mask.to(network.device)
    # A folder may have ways of its own, such as sampling, which are not for this.
    written = network.generate(
        ids, attention_mask=mask, generation_config=settings, use_model_defaults=False
    )
    return written[:, ids.shape[1] if before else 1 :].tolist()


def _padded(prompts: Sequence[Pieces], *, before: bool) -> tuple[torch.Tensor, torch.Tensor]:
    rows = [prompt[::-1] for prompt in prompts] if before else prompts
    ids = pad(rows, device=torch.device("cpu"))
    lengths = torch.tensor([len(row) for row in rows])
    mask = (torch.arange(ids.shape[1]) < lengths[:, None]).long()
    return (ids.flip(1), mask.flip(1)) if before else (ids, mask)
