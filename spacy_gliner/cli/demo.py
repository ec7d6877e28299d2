"""`python -m spacy gliner demo`: a few texts annotated, as tables and as one HTML page."""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import cycle
from pathlib import Path
from typing import Annotated, Any

from spacy import displacy
from spacy.tokens import Doc, Span
from typer import Option
from wasabi import Printer

from ..evaluation.predict import find_component
from ..factories import GLINER
from .app import gliner_cli
from .evaluate import DEFAULT_MODEL, load

COLOURS = ("#aee4ff", "#ffd8a8", "#c3f0ca", "#f8c8dc", "#dcd0ff", "#fff3a3")

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Zero-shot NER with GLiNER</title>
<body style="font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 3rem auto">
<h1>Zero-shot NER with GLiNER</h1>
{sections}
</body>
</html>
"""
SECTION = """\
<h2>{title}</h2>
<p>Asked for: {labels}</p>
{markup}
"""


@dataclass(frozen=True)
class Example:
    """A text, and what to ask it for. mode: as the component's setting."""

    title: str
    labels: tuple[str, ...]
    text: str
    mode: str = "flat"


EXAMPLES = (
    Example(
        "News",
        ("person", "country", "competition", "award", "stadium"),
        "Argentina beat France on penalties in the final of the 2022 FIFA World Cup at Lusail "
        "Stadium. Lionel Messi scored twice and went on to win the Ballon d'Or for the eighth "
        "time; Kylian Mbappé took home the Golden Boot.",
    ),
    Example(
        "Medicine",
        ("gene", "disease", "drug", "side effect"),
        "Patients with metastatic melanoma whose tumours carry a BRAF mutation are treated with "
        "vemurafenib. Adding trametinib delays resistance, but fever and nausea are common. In "
        "breast cancer, carriers of BRCA1 mutations respond well to olaparib.",
    ),
    Example(
        "Product review",
        ("product", "company", "price", "product feature"),
        "I paid $329 for the Sony WH-1000XM5 and have no regrets. The battery life is superb and "
        "the noise cancelling beats that of the Bose QC45, but the carrying case is bulky. My "
        "old AirPods from Apple cost less than $200.",
    ),
    Example(
        "Spans within spans (nested mode)",
        ("hospital", "university", "city", "state", "academic journal"),
        "Doctors at Massachusetts General Hospital and researchers from the University of Tokyo "
        "will present the results in Chicago next week; the full report appears in the New England "
        "Journal of Medicine.",
        mode="nested",
    ),
)


@gliner_cli.command("demo")
def demo_cli(
    output: Annotated[Path, Option(file_okay=False, help="Folder for index.html")] = Path("demo"),
    model: Annotated[str, Option(help="Pipeline, or 'default'")] = DEFAULT_MODEL,
) -> None:
    """Annotate texts of several kinds, each with its own types; print and draw what is found."""
    msg = Printer()
    sections = []
    try:
        nlp = load(model)
        component: Any = nlp.get_pipe(find_component(nlp, factories=(GLINER,)))
        for example in EXAMPLES:
            doc = annotate(component, nlp.make_doc(example.text), example)
            msg.divider(example.title)
            msg.text(f"Asked for: {', '.join(example.labels)}", spaced=True)
            print_spans(found(component, doc), msg)
            sections.append(section(component, doc, example))
    except (ValueError, OSError) as error:  # OSError: spaCy finds no such pipeline
        msg.fail(str(error), exits=1)
    output.mkdir(parents=True, exist_ok=True)
    page = output / "index.html"
    page.write_text(PAGE.format(sections="\n".join(sections)), encoding="utf8")
    msg.good(f"Saved {page}: open it in a browser")


def annotate(component: Any, doc: Doc, example: Example) -> Doc:
    """Ask for the example's labels in its mode, whatever the component's own labels are."""
    component.mode = example.mode
    doc._.gliner_labels = list(example.labels)
    return component(doc)


def found(component: Any, doc: Doc) -> list[Span]:
    """The spans, wherever the component's mode has put them."""
    return list(doc.ents if component.mode == "flat" else doc.spans[component.spans_key])


def print_spans(spans: Iterable[Span], msg: Printer) -> None:
    """Print a table of the spans, or say that there are none."""
    rows = [(span.text, span.label_, f"{span._.score:.2f}") for span in spans]
    if rows:
        msg.table(
            rows, header=("Text", "Type", "Score"), divider=True, aligns=("l", "l", "r"), max_col=60
        )
    else:
        msg.text("Nothing found.", spaced=True)


def section(component: Any, doc: Doc, example: Example) -> str:
    """The part of the page for one document."""
    return SECTION.format(
        title=escape(example.title),
        labels=escape(", ".join(example.labels)),
        markup=draw(component, doc, example.labels),
    )


def draw(component: Any, doc: Doc, labels: Iterable[str]) -> str:
    """displaCy's drawing of a document, as HTML; the bare text if nothing was found."""
    if not found(component, doc):
        return f"<p>{escape(doc.text)}</p>"
    colours = dict(zip(labels, cycle(COLOURS), strict=False))
    return displacy.render(
        doc,
        style="ent" if component.mode == "flat" else "span",
        jupyter=False,
        options={"colors": colours, "spans_key": component.spans_key},
    )
