"""Settings against the types that their dataclass declares."""

from collections.abc import Iterator
from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

# What the types of fields are called in messages.
KINDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    dict: "a mapping",
    NoneType: "null",
}


def mistyped(settings: Any) -> Iterator[tuple[str, Any, str]]:
    """The name, the value, and the kind that was expected, of each field of another type."""
    for field in fields(settings):
        kinds = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
        kinds = tuple(get_origin(kind) or kind for kind in kinds)
        value = getattr(settings, field.name)
        if not any(_is_a(kind, value) for kind in kinds):
            yield field.name, value, " or ".join(KINDS[kind] for kind in kinds)


def _is_a(kind: type, value: Any) -> bool:
    """As isinstance, but a whole number is a number, and true and false are none."""
    if isinstance(value, bool):
        return kind is bool
    return isinstance(value, (int, float) if kind is float else kind)
