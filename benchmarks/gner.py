"""Decoder calls and seconds of the generative component: free, forced and drafted decoding.

The shape is T5-base's and the computation is whole, but there are no weights to be had here: they
are random, and which piece comes next is steered to the annotation of the texts. So every decoder
does the work that a perfect model would give it, and all must find the same entities.
`python -m benchmarks.gner --precisions float32,int8`
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, median
from time import perf_counter
from typing import Annotated, Any
from unittest.mock import patch

import numpy as np
import srsly
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from tqdm import tqdm
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5ForConditionalGeneration,
)
from typer import Option, run

from spacy_gliner.corpus.passage import Passage
from spacy_gliner.corpus.report import Report
from spacy_gliner.corpus.tokens import regex_tokens
from spacy_gliner.corpus.written import read_written
from spacy_gliner.evaluation.tables import table
from spacy_gliner.gner import annotate as annotating
from spacy_gliner.gner.annotate import Decoding, Sentence, annotate
from spacy_gliner.gner.bio import spans_to_tags
from spacy_gliner.gner.checkpoint import GNERCheckpoint
from spacy_gliner.gner.config import GNERConfig
from spacy_gliner.gner.forced import Hypothesis, Search
from spacy_gliner.gner.instruction import instructions
from spacy_gliner.training.gner import flat

TEXTS = Path(__file__).parent.parent / "assets/written"
DECODERS = {
    "free": Decoding("free"),
    "forced": Decoding(draft=0),
    "drafted": Decoding(),
}
LABELS = 8
# Added to the logit of the piece that comes next in the annotation: more than random weights say.
STEER = 1e4


class Task:
    """A sentence and its tags."""

    def __init__(self, passage: Passage) -> None:
        types = dict.fromkeys(type_ for *_, type_ in passage.spans)
        labels = tuple([*types, *passage.absent][:LABELS])
        marked = [(s, e, labels.index(t)) for s, e, t in passage.spans if t in labels]
        self.spans = [(start, end, labels[i]) for start, end, i in sorted(flat(marked))]
        self.sentence = Sentence(passage.words, labels)
        self.tags = spans_to_tags(self.spans, len(passage.words))


def read_tasks(*, words: tuple[int, int], entities: tuple[int, int], limit: int) -> list[Task]:
    """The first passages of the written dev set with so many words and entities."""
    passages = read_written(TEXTS / "dev.jsonl", Report(), tokenizer=regex_tokens, source="written")
    tasks = (Task(p) for p in passages if words[0] <= len(p.words) <= words[1])
    fitting = (t for t in tasks if t.sentence.labels and entities[0] <= len(t.spans) <= entities[1])
    return [task for task, _ in zip(fitting, range(limit), strict=False)]


def make_checkpoint(layers: int) -> GNERCheckpoint:
    """A T5 of T5-base's shape with random weights, and a tokenizer for the written texts."""
    texts = (record["text"] for record in srsly.read_jsonl(TEXTS / "train.jsonl"))
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(),
            pre_tokenizers.Punctuation(),
        ]
    )
    tokenizer.decoder = decoders.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    trainer = trainers.UnigramTrainer(
        # T5 shares 32,000 among four languages.
        vocab_size=8_000,
        special_tokens=special,
        unk_token="<unk>",
        show_progress=False,
    )
    tokenizer.train_from_iterator([*texts, instructions.get("GNER-T5").template], trainer)
    tokenizer.post_processor = TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", special.index("</s>"))]
    )
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=32_128,
        d_model=768,
        d_ff=3072,
        num_heads=12,
        num_layers=layers,
        decoder_start_token_id=0,
    )
    network = T5ForConditionalGeneration(config).eval()
    return GNERCheckpoint(GNERConfig(instructions.get("GNER-T5").template), network, fast)


class SteeredSearch(Search):
    """Chooses the tags of the annotation."""

    gold: Sequence[Sequence[int]]

    def _items(self, hypothesis: Hypothesis, row: int, logits: np.ndarray) -> list[Any]:
        self._tag = tuple(self.gold[len(hypothesis.tags)])
        return super()._items(hypothesis, row, logits)

    def _branch(self, item: Any, logits: np.ndarray, **settings: float) -> list[Any]:
        path = item.next.path
        if self._tag[: len(path)] == path:
            logits = logits.copy()
            logits[self._columns[self._tag[len(path)]]] += STEER
        return super()._branch(item, logits, **settings)


class SteeredWriting(LogitsProcessor):
    """Writes the target of the annotation."""

    def __init__(self, target: Sequence[int]) -> None:
        self._target = target

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores[:, self._target[input_ids.shape[1] - 1]] += STEER
        return scores


@contextmanager
def steered(checkpoint: GNERCheckpoint, task: Task, network: PreTrainedModel) -> Iterator[None]:
    """Whatever is decoded in here is the task's annotation."""
    target = checkpoint.target
    gold = [target.tag(tag) for tag in task.tags]
    words = target.words(task.sentence.words)
    written = [piece for pair in zip(words, gold, strict=True) for part in pair for piece in part]
    writing = LogitsProcessorList([SteeredWriting([*written, target.eos])])
    generate = partial(network.generate, logits_processor=writing)
    search = type("OwnSearch", (SteeredSearch,), {"gold": gold})
    with patch.object(network, "generate", generate), patch.object(annotating, "Search", search):
        yield


@contextmanager
def counted(network: PreTrainedModel) -> Iterator[list[None]]:
    """Grows by one with each call of the decoder, whoever makes it."""
    calls: list[None] = []
    first = network.decoder.block[0]
    hook = first.register_forward_hook(lambda *_: calls.append(None))
    yield calls
    hook.remove()


def measure(checkpoint: GNERCheckpoint, task: Task, decoding: Decoding) -> tuple[int, float]:
    """Decoder calls and seconds for one sentence. Fails if what is found is not the annotation."""
    network = checkpoint.running(decoding.precision)
    with steered(checkpoint, task, network), counted(network) as calls:
        start = perf_counter()
        (found,) = annotate(checkpoint, [task.sentence], decoding)
        seconds = perf_counter() - start
    spans = zip(found.start.tolist(), found.end.tolist(), found.type.tolist(), strict=True)
    labels = task.sentence.labels
    if (got := [(s, e, labels[t]) for s, e, t in spans]) != task.spans:
        raise RuntimeError(f"{decoding} found {got} instead of {task.spans}")
    return len(calls), seconds


def main(
    precisions: Annotated[str, Option(help="Of float32, bfloat16, int8")] = "float32,int8",
    sentences: Annotated[int, Option(help="Of each kind of text")] = 4,
    repeats: Annotated[int, Option(help="Runs of each, of which the median counts")] = 3,
    layers: Annotated[int, Option(help="12 are those of T5-base")] = 12,
    threads: Annotated[int, Option(help="Of torch")] = 1,
) -> None:
    torch.set_num_threads(threads)
    checkpoint = make_checkpoint(layers)
    kinds = {
        "30 to 46 words, 3 to 8 entities": read_tasks(
            words=(30, 46), entities=(3, 8), limit=sentences
        ),
        "30 to 46 words, at most 1": read_tasks(words=(30, 46), entities=(0, 1), limit=sentences),
    }
    for kind, tasks in kinds.items():
        words = sum(len(task.sentence.words) for task in tasks) / len(tasks)
        print(f"\n{len(tasks)} sentences of {kind} ({words:.0f} words on average)\n")
        for precision in precisions.split(","):
            print(compare(checkpoint, tasks, precision, repeats), end="\n\n")


def compare(checkpoint: GNERCheckpoint, tasks: Sequence[Task], precision: str, repeats: int) -> str:
    """A table of the decoders, run by turns."""
    runs: dict[str, list[list[tuple[int, float]]]] = {name: [] for name in DECODERS}
    order = [(name, task) for task in tasks for name in DECODERS]
    for name, task in tqdm(order, desc=precision):
        decoding = replace(DECODERS[name], precision=precision)
        runs[name].append([measure(checkpoint, task, decoding) for _ in range(repeats)])
    calls = {n: fmean(own[0][0] for own in runs[n]) for n in DECODERS}
    seconds = {n: fmean(median(s for _, s in own) for own in runs[n]) for n in DECODERS}
    rows = [
        (
            f"{name}, {precision}",
            f"{calls[name]:.1f}",
            f"{calls['free'] / calls[name]:.1f}",
            f"{seconds[name]:.2f}",
            f"{seconds['free'] / seconds[name]:.1f}",
        )
        for name in DECODERS
    ]
    return table(("decoder", "calls", "fewer", "seconds", "faster"), rows)


if __name__ == "__main__":
    run(main)
