"""A component like "gliner" whose model is a lexicon. The command line imports it by --code."""

import numpy as np
from spacy.language import Language
from spacy.tokens import Doc

from spacy_gliner.gliner.decode import Candidates, decode
from spacy_gliner.pipeline.annotations import Prediction, register_extensions, set_ents, set_spans


class FakeGLiNER:
    """lexicon: rows of (text, type, score); a type that is not asked for is not found."""

    labels_extension = "gliner_labels"

    def __init__(self, lexicon, mode, spans_key, threshold):
        self.lexicon = lexicon
        self.mode = mode
        self.spans_key = spans_key
        self.threshold = threshold
        register_extensions()
        if not Doc.has_extension("gliner_labels"):
            Doc.set_extension("gliner_labels", default=None)

    def __call__(self, doc):
        labels = doc._.gliner_labels
        assert labels, "never asked without labels"
        rows = [
            (start, end, labels.index(label), score)
            for start in range(len(doc))
            for end in range(start + 1, len(doc) + 1)
            for text, label, score in self.lexicon
            if doc[start:end].text == text and label in labels and score > self.threshold
        ]
        ints = np.array([row[:3] for row in rows], dtype=np.int32).reshape(-1, 3)
        scores = np.array([row[3] for row in rows], dtype=np.float32)
        found = decode(Candidates(*ints.T, scores), self.mode)
        prediction = Prediction(
            found.start, found.end, [labels[t] for t in found.type], found.score
        )
        if self.mode == "flat":
            set_ents(doc, prediction, existing="keep")
        else:
            set_spans(doc, prediction, spans_key=self.spans_key)
        return doc


@Language.factory(
    "fake_gliner",
    default_config={"lexicon": [], "mode": "flat", "spans_key": "found", "threshold": 0.5},
)
def make_fake_gliner(nlp, name, lexicon, mode, spans_key, threshold):
    return FakeGLiNER(lexicon, mode, spans_key, threshold)
