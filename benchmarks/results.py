"""What a benchmark has found, on disk."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any


def write_results(report: Any, folder: Path) -> None:
    """Write results.json and results.md.

    report: a dataclass with a method `to_markdown`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content = json.dumps(asdict(report), indent=1) + "\n"
    (folder / "results.json").write_text(content, encoding="utf8")
    (folder / "results.md").write_text(report.to_markdown(), encoding="utf8")
