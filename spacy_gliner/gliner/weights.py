"""Weights in files: reading them safely, and the names that published checkpoints give them."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..errors import Errors
from .network import GLiNERNetwork

WEIGHTS_FILE = "model.safetensors"
PICKLED_FILE = "pytorch_model.bin"

# Our module names, and those of published checkpoints.
PUBLISHED_NAMES = {
    "encoder.transformer.": "token_rep_layer.bert_layer.model.",
    "encoder.fuser.": "token_rep_layer.bert_layer.layers_fuser.",
    "encoder.projection.": "token_rep_layer.projection.",
    "encoder.labels.transformer.": "token_rep_layer.labels_encoder.model.",
    "encoder.labels.fuser.": "token_rep_layer.labels_encoder.layers_fuser.",
    "encoder.labels.projection.": "token_rep_layer.labels_projection.",
    "words.left_to_right.": "rnn.lstm.",
    "words.right_to_left.": "rnn.lstm.",
    "scorer.proj_": "scorer.proj_",
    "scorer.out_mlp.": "scorer.out_mlp.",
    "scorer.": "span_rep_layer.span_rep_layer.",
    "types.": "prompt_rep_layer.",
}
LSTM = "rnn.lstm."
# Uni-encoders may have one, but never use it; bi-encoders that use one are refused.
CROSS_FUSER = "cross_fuser."
# Older releases of transformers stored what is counted today.
COUNTED = "position_ids"


def read_weights(folder: Path) -> tuple[dict[str, Tensor], Path]:
    """The weights of a checkpoint folder, and the file they were in; runs no code from it.

    Raises ValueError if there are none, if the file is damaged, or if it holds more than tensors.
    """
    safe, pickled = folder / WEIGHTS_FILE, folder / PICKLED_FILE
    if safe.is_file():
        return _read_safe(safe), safe
    if pickled.is_file():
        return _read_pickled(pickled), pickled
    raise ValueError(Errors.G101.format(folder=folder, file=f"{WEIGHTS_FILE} or {PICKLED_FILE}"))


def _read_safe(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(Errors.G103.format(path=path, error=error)) from error


def _read_pickled(path: Path) -> dict[str, Tensor]:
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ValueError(Errors.G113.format(path=path)) from error
    except Exception as error:  # Damaged pickles fail in as many ways as there are instructions.
        raise ValueError(Errors.G103.format(path=path, error=error)) from error
    if not isinstance(stored, dict) or not all(isinstance(t, Tensor) for t in stored.values()):
        raise ValueError(Errors.G113.format(path=path))
    return stored


def load_state(network: GLiNERNetwork, state: Mapping[str, Tensor], *, path: Path) -> None:
    """Load weights by their published names. Raises ValueError naming those that do not fit."""
    expected = published_state(network)
    # The reference library gives bi-encoders an LSTM, but never uses it.
    spare = (CROSS_FUSER, LSTM) if network.words is None else (CROSS_FUSER,)
    state = {
        name: tensor
        for name, tensor in state.items()
        if not name.startswith(spare) and not name.endswith(COUNTED)
    }
    wrong = [
        f"{name}: {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in sorted(expected.keys() & state.keys())
        if state[name].shape != expected[name].shape
    ]
    # Of tied weights files hold one.
    loaded = {expected[name].data_ptr() for name in expected.keys() & state.keys()}
    missing = [
        name for name in expected.keys() - state.keys() if expected[name].data_ptr() not in loaded
    ]
    unexpected = state.keys() - expected.keys()
    if wrong or missing or unexpected:
        raise ValueError(
            Errors.G105.format(
                path=path, missing=sorted(missing), unexpected=sorted(unexpected), wrong=wrong
            )
        )
    with torch.no_grad():
        for name, tensor in state.items():
            expected[name].copy_(tensor)


def published_state(network: nn.Module) -> dict[str, Tensor]:
    """The weights of a network by their published names."""
    return {published_name(name): tensor for name, tensor in network.state_dict().items()}


def published_name(name: str) -> str:
    """The name of a weight in published checkpoints."""
    suffix = "_reverse" if name.startswith("words.right_to_left.") else ""
    for ours, published in PUBLISHED_NAMES.items():
        if name.startswith(ours):
            return published + name.removeprefix(ours) + suffix
    return name
