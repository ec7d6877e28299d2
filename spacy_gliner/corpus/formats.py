"""The formats that can be converted, and how to recognise them."""

from itertools import islice
from pathlib import Path

from ..errors import Errors
from .bio import split_line
from .records import CHUNK, read_records
from .report import Report

FORMATS = ("pile-ner", "gliner", "written", "bio")


def detect_format(path: Path) -> str:
    """The format of a file, by its first record. Raises ValueError if it is none of FORMATS."""
    if _starts_as_bio(path):
        return "bio"
    report = Report()
    for record in islice(read_records(path, report), 1):
        if "conversations" in record.value:
            return "pile-ner"
        if "tokenized_text" in record.value:
            return "gliner"
        if "text" in record.value and "entities" in record.value:
            return "written"
        found = f"the first record has the keys {', '.join(sorted(record.value)) or '(none)'}"
        break
    else:
        found = "there is no JSON object and no line of a word and a BIO tag in it"
    raise ValueError(Errors.G203.format(path=path, found=found, formats=", ".join(FORMATS)))


def _starts_as_bio(path: Path) -> bool:
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        head = file.read(CHUNK)  # not a line: a whole JSON array may be one
    return split_line(head.lstrip().partition("\n")[0]) is not None
