"""The reference library's model, trained as its `train_model` does."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grad_norm_

from spacy_gliner.corpus.passage import Passage

from .task import (
    ENCODER_RATE,
    GRADIENT_NORM,
    HEAD_RATE,
    WEIGHT_DECAY,
    WORD_EMBEDDINGS,
    Job,
    Outcome,
    Training,
    gradient_norm,
)

# What `create_training_args` has by default, under the names that a model's forward has for it.
LOSS = {
    "alpha": -1.0,
    "gamma": 0.0,
    "prob_margin": 0.0,
    "label_smoothing": 0.0,
    "reduction": "sum",
    "negatives": 1.0,
    "masking": "none",
}


def load_reference(job: Job, *, frozen: bool) -> Training:
    """frozen: its word embeddings stay as they are, like ours."""
    from gliner import GLiNER

    model: Any = GLiNER.from_pretrained(str(job.folder), local_files_only=True)
    collate = model._create_data_collator()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not (frozen and WORD_EMBEDDINGS in name))
    optimizer = make_optimizer(model)
    schedule = torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    batches = [[to_record(passage) for passage in batch] for batch in job.batches]

    def loss(records: list[dict[str, Any]]) -> Tensor:
        model.train()
        inputs = collate(records)
        with torch.autocast("cpu", torch.bfloat16, enabled=job.precision == "bfloat16"):
            return model(**inputs, **LOSS).loss

    def run() -> None:
        for records in batches:
            loss(records).backward()
            clip_grad_norm_(model.parameters(), GRADIENT_NORM)
            optimizer.step()
            schedule.step()
            model.zero_grad()

    def probe() -> Outcome:
        total = loss(batches[0])
        total.backward()
        gradient = gradient_norm(model)
        model.zero_grad()
        return Outcome(total.item(), gradient)

    return Training(run, probe)


def make_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """The Trainer's: the encoder and the head have rates of their own, and vectors no decay."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            key = ("token_rep_layer" in name, parameter.dim() > 1)
            groups.setdefault(key, []).append(parameter)
    return torch.optim.AdamW(
        {
            "params": parameters,
            "lr": ENCODER_RATE * (1.0 if in_encoder else HEAD_RATE),
            "weight_decay": WEIGHT_DECAY if decays else 0.0,
        }
        for (in_encoder, decays), parameters in groups.items()
    )


def to_record(passage: Passage) -> dict[str, Any]:
    """A passage as the library takes it: ends of spans are those of their last words."""
    return {
        "tokenized_text": list(passage.words),
        "ner": [(start, end - 1, type_) for start, end, type_ in passage.spans],
        "ner_labels": list(passage.label_set),
    }
