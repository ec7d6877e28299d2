"""From spaCy's Examples to passages of the words that the model reads."""

from collections import Counter
from dataclasses import replace

from spacy.training import Example

from ..corpus.passage import Passage, from_doc
from ..pipeline.labels import LabelSet
from ..pipeline.words import doc_words


def read_example(
    example: Example, *, spans_key: str, words: str, labels: LabelSet, dropped: Counter[str]
) -> Passage:
    """The predicted Doc's words, with the reference's spans on them.

    A passage that says nothing of its types was annotated for `labels`, if there are any: then
    they are its closed set. Wherever one of their names stands, their prompt takes its place.
    dropped: counts the spans whose ends are not those of words.
    """
    passage = from_doc(example.reference, spans_key)
    units = doc_words(example.predicted, words)
    starts = {int(start): i for i, start in enumerate(units.starts)}
    ends = {int(end): i + 1 for i, end in enumerate(units.ends)}
    prompts = dict(zip(labels.names, labels.prompts, strict=True))
    spans = []
    for start, end, label in passage.spans:
        span = example.reference[start:end]
        first, last = starts.get(span.start_char), ends.get(span.end_char)
        if first is None or last is None:
            dropped["misaligned"] += 1
        else:
            spans.append((first, last, prompts.get(label, label)))
    label_set = passage.label_set if passage.label_set or passage.absent else labels.names
    return replace(
        passage,
        words=tuple(units.texts),
        spaces=(True,) * len(units),
        spans=tuple(spans),
        absent=tuple(prompts.get(label, label) for label in passage.absent),
        label_set=tuple(prompts.get(label, label) for label in label_set),
    )
