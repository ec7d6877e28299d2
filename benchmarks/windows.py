"""How well entities are found deep in long documents, by the size of the windows.

Each passage of a data set is read alone, and then between others of the set, so that the document
has hundreds of words. It is asked for its own types, and only what is found inside it counts.
`python benchmarks/windows.py corpus/eval/dev`
"""

from collections.abc import Iterator, Sequence
from typing import Annotated

import spacy
from typer import Argument, Option, run

from spacy_gliner.corpus.passage import Passage
from spacy_gliner.evaluation.datasets import read_datasets
from spacy_gliner.evaluation.gold import Mention, Question, question
from spacy_gliner.evaluation.metrics import exact_scores, micro
from spacy_gliner.evaluation.predict import Answer, answer
from spacy_gliner.evaluation.tables import table

COMPONENT = "gliner"


def surround(passages: Sequence[Passage], *, words: int) -> Iterator[tuple[Question, int]]:
    """For each passage a question on a long document, and the word where the passage begins."""
    for index, passage in enumerate(passages):
        others = [*passages[index + 1 :], *passages[:index]]
        before, after = _fill(others, words // 2), _fill(others[::-1], words // 2)
        parts = [*before, passage, *after]
        alone = question(passage)
        yield (
            Question(
                words=tuple(word for part in parts for word in part.words),
                spaces=tuple(space for part in parts for space in (*part.spaces[:-1], True)),
                labels=alone.labels,
                gold=alone.gold,
            ),
            sum(len(part.words) for part in before),
        )


def _fill(passages: Sequence[Passage], words: int) -> list[Passage]:
    """The first passages, as few as have that many words."""
    total = 0
    for count, passage in enumerate(passages):
        if total >= words:
            return list(passages[:count])
        total += len(passage.words)
    return list(passages)


def inside(given: Answer, start: int, length: int) -> Answer:
    """What was found within a passage, counted from its first word."""
    scores = {
        Mention(m.start - start, m.end - start, m.type): score
        for m, score in given.scores.items()
        if start <= m.start and m.end <= start + length
    }
    return Answer(given.question, scores)


def main(
    data: Annotated[str, Argument(help="A data set, as for `spacy gliner evaluate`")],
    windows: Annotated[
        str, Option(help="Sizes in word pieces; 0: the model's own")
    ] = "0,96,128,192,256,384,512",
    words: Annotated[int, Option(help="About so many words around each passage")] = 300,
    limit: Annotated[int | None, Option(help="Passages")] = None,
    threshold: Annotated[float | None, Option(help="Instead of the default one")] = None,
) -> None:
    nlp = spacy.blank("en")
    component = nlp.add_pipe(COMPONENT)
    if threshold is not None:
        component.threshold = threshold
    passages = [p for own in read_datasets([data], nlp.vocab, limit=limit).values() for p in own]
    passages = [passage for passage in passages if passage.words]
    rows = []
    alone = answer(nlp, COMPONENT, [question(passage) for passage in passages])
    rows.append(("the passage alone", *_figures(alone)))
    surrounded = list(surround(passages, words=words))
    for size in map(int, windows.split(",")):
        component.window = size or None
        found = answer(nlp, COMPONENT, [long for long, _ in surrounded], title=str(size))
        own = [
            inside(given, start, len(passage.words))
            for given, (_, start), passage in zip(found, surrounded, passages, strict=True)
        ]
        rows.append((str(size or "default"), *_figures(own)))
    print(table(("window", "P", "R", "F1"), rows))


def _figures(answers: Sequence[Answer]) -> tuple[str, str, str]:
    score = micro(exact_scores(answers).values())
    return (
        f"{100 * score.precision:.1f}",
        f"{100 * score.recall:.1f}",
        f"{100 * score.fscore:.1f}",
    )


if __name__ == "__main__":
    run(main)
