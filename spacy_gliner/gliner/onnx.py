"""Checkpoints as ONNX graphs, for runtimes without torch."""

import shutil
import warnings
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from ..errors import Errors
from .bi_encoder import BiRowBuilder
from .checkpoint import Checkpoint
from .graph import OUTPUT, BiGraph, Graph, PromptGraph
from .network import GLiNERNetwork
from .probe import EXAMPLE, PROBE, batch, graph_inputs
from .prompt import Prompts, RowBuilder

ONNX_FILE = "model.onnx"
# The first version of ONNX in which a maximum can be scattered.
OPSET = 18
# A level of ONNX Runtime's log.
ERROR = 3
# Probabilities from two orders of adding up floats differ by less, in deep encoders too.
TOLERANCE = 1e-4


def export_onnx(checkpoint: Checkpoint, path: Path) -> float:
    """Write the network as a graph with the inputs and the output of the reference library's.

    Returns the largest difference between a probability from ONNX Runtime and from the network.
    Writes nothing, and raises ImportError if a package is missing [G118], or ValueError if the
    model cannot be drawn as a graph [G119, G120] or is not the same as one [G121].
    """
    runtime = _runtime()
    builder, network = checkpoint.prompts, checkpoint.network
    if not isinstance(builder, RowBuilder):
        raise ValueError(Errors.G119)
    graph = _graph(checkpoint, builder)
    example, probe = (batch(builder, rows) for rows in (EXAMPLE, PROBE))
    with TemporaryDirectory() as folder:
        written = Path(folder) / path.name
        try:
            _draw(graph, graph_inputs(example, checkpoint.config), written)
            found = _run(runtime, written, graph_inputs(probe, checkpoint.config))
            difference = largest_difference(network, probe, found)
        except Exception as error:  # A plugin's scorer, torch and the runtime have their own kinds.
            raise ValueError(Errors.G120.format(error=error)) from error
        if not difference <= TOLERANCE:
            raise ValueError(Errors.G121.format(difference=difference, tolerance=TOLERANCE))
        path.parent.mkdir(parents=True, exist_ok=True)
        # Weights of more than 2 GB lie in files of their own.
        for file in Path(folder).iterdir():
            shutil.move(file, path.parent / file.name)
    return difference


def largest_difference(network: GLiNERNetwork, prompts: Prompts, found: Tensor) -> float:
    """Between the network's probabilities and those of a graph, whose logits are given."""
    n_words, n_types = int(prompts.word_counts.max()), int(prompts.type_counts.max())
    # With gradients, since a bi-encoder would keep its label vectors without.
    logits = network(prompts.to(network.device)).detach().cpu()[:, :n_words, :, :n_types]
    if network.scores_words:
        logits = logits.transpose(2, 3)
    # `reshape` fails where sizes differ, which would be made alike by broadcasting.
    return float((logits.sigmoid() - found.reshape(logits.shape).sigmoid()).abs().max())


def _runtime() -> Any:
    """The module of ONNX Runtime. (torch needs the package onnx to write graphs.)"""
    try:
        import_module("onnx")
        return import_module("onnxruntime")
    except ImportError as error:
        raise ImportError(Errors.G118.format(package=error.name)) from error


def _graph(checkpoint: Checkpoint, builder: RowBuilder) -> Graph:
    """The network is in evaluation mode, and so is its graph."""
    if isinstance(builder, BiRowBuilder):
        return BiGraph(checkpoint.network).eval()
    config = checkpoint.config
    marker = builder.tokenizer.convert_tokens_to_ids(config.ent_token)
    return PromptGraph(
        checkpoint.network, marker=marker, embed_ent_token=config.embed_ent_token
    ).eval()


def _draw(graph: Graph, given: Mapping[str, Tensor], path: Path) -> None:
    axes = {**graph.inputs, OUTPUT: graph.output}
    with warnings.catch_warnings():
        # What these warn of, the check would find: lengths taken for constants, an LSTM with a
        # fixed number of rows, negative positions.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        warnings.filterwarnings("ignore", "Exporting a model to ONNX with a batch_size")
        warnings.filterwarnings("ignore", "Exporting aten::index operator")
        # ONNX Runtime computes the constants that torch leaves.
        warnings.filterwarnings("ignore", "Constant folding")
        # It is torch's older exporter, the one that needs no further package.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph,
            tuple(given[name].to(graph.network.device) for name in graph.inputs),
            path,
            input_names=list(graph.inputs),
            output_names=[OUTPUT],
            dynamic_axes={name: dict(enumerate(names)) for name, names in axes.items()},
            opset_version=OPSET,
            dynamo=False,
        )


def _run(runtime: Any, path: Path, given: Mapping[str, Tensor]) -> Tensor:
    """What the graph makes of its inputs."""
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = ERROR
    session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    inputs = {name: tensor.numpy() for name, tensor in given.items()}
    return torch.from_numpy(session.run([OUTPUT], inputs)[0])
