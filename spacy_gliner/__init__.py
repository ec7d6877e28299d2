"""Zero-shot named entity recognition for spaCy."""

__version__ = "0.1.0"
