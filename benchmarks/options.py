"""What the commands' options have in common."""

from collections.abc import Container

from typer import BadParameter


def choice(names: str, known: Container[str]) -> list[str]:
    """The names, with commas between. Raises BadParameter for one that is not known."""
    chosen = names.split(",")
    for name in chosen:
        if name not in known:
            raise BadParameter(f"{name!r} is none of {known}")
    return chosen
