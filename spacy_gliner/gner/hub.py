"""The files that make a generative checkpoint. Large ones have their weights in several."""

from dataclasses import replace

from ..gliner.hub import Kind
from .config import CONFIG_FILE

GNER = Kind(
    "'name' of [components.gner.model]",
    settings=("config.json", "generation_config.json", CONFIG_FILE),
    weights=("model.safetensors", "model-*.safetensors", "model.safetensors.index.json"),
    pickled=("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json"),
)
# A pretrained model, which is yet to be trained.
BASE = replace(GNER, setting="'base' of [components.gner.model]")
