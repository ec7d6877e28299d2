"""Print the table of the docs: `python -m tests.parity.table`."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from spacy_gliner.evaluation.tables import table

from .compare import MODES, compare
from .encoders import ENCODERS, write_encoder
from .reference import VARIANTS, write_checkpoint
from .texts import many_texts

HEADER = ("variant", "encoder", "spans", "differing", "largest score difference")


def rows() -> Iterator[tuple[str, str, int, int, str]]:
    """A row for each checkpoint: flat and nested spans together."""
    texts = many_texts()
    for encoder_name in ENCODERS:
        with TemporaryDirectory() as place:
            encoder = write_encoder(encoder_name, Path(place))
            for variant in VARIANTS:
                with TemporaryDirectory() as folder:
                    write_checkpoint(Path(folder), variant, encoder)
                    found = [compare(Path(folder), variant, texts, mode=mode) for mode in MODES]
                yield (
                    variant.name,
                    encoder_name,
                    sum(difference.spans for difference in found),
                    sum(difference.differing for difference in found),
                    f"{max(difference.score for difference in found):.0e}",
                )


if __name__ == "__main__":
    print(table(HEADER, rows()))
