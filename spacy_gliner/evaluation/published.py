"""Published zero-shot results on the seven usual data sets, as data.

From the papers of GLiNER (arXiv 2311.08526), NuNER (arXiv 2402.15343) and GNER (arXiv 2402.16602).
The averages agree with two sources; the single cells of GLiNER-S and GLiNER-M are less certain.
"""

from dataclasses import dataclass

# The columns of the table: the name of a data set's folder, and the heading.
SEVEN_SETS = {
    "mit_movie": "Movie",
    "mit_restaurant": "Rest.",
    "crossner_ai": "AI",
    "crossner_literature": "Lit.",
    "crossner_music": "Music",
    "crossner_politics": "Pol.",
    "crossner_science": "Sci.",
}


@dataclass(frozen=True)
class Published:
    """A system's F1 in percent, a figure for each of `SEVEN_SETS`, in their order.

    text_metric: measured by GNER's looser metric, over distinct (text, type) pairs.
    """

    name: str
    f1: tuple[float, ...]
    text_metric: bool = False


PUBLISHED = (
    Published("ChatGPT", (5.3, 32.8, 52.4, 39.8, 66.6, 68.5, 67.0)),
    Published("InstructUIE-11B", (63.0, 21.0, 49.0, 47.2, 53.2, 48.1, 49.2)),
    Published("UniNER-7B", (42.4, 31.7, 53.6, 59.3, 67.0, 60.9, 61.1)),
    Published("UniNER-13B", (48.7, 36.2, 54.2, 60.9, 64.5, 61.4, 63.5)),
    Published("GoLLIE-7B", (63.0, 43.4, 59.1, 62.7, 67.8, 57.2, 55.5)),
    Published("GLiNER-S (50M)", (46.9, 33.3, 50.7, 60.0, 60.9, 61.5, 55.6)),
    Published("GLiNER-M (90M)", (42.9, 37.3, 51.8, 59.7, 69.4, 68.6, 58.1)),
    Published("GLiNER-L (300M)", (57.2, 42.9, 57.2, 64.4, 69.6, 72.6, 62.6)),
    Published("NuNER_Zero-span", (55.1, 44.6, 60.1, 64.9, 69.9, 72.7, 66.4)),
    Published("GNER-T5-base (248M)", (54.5, 41.4, 56.8, 58.7, 72.3, 64.5, 68.0), text_metric=True),
    Published("GNER-T5-xxl (11B)", (62.5, 51.0, 68.2, 68.7, 81.2, 75.1, 76.7), text_metric=True),
)
