"""The label set: for each label its name in the output, the text the model reads, its threshold."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from ..errors import Errors

# The best for the model in the package, by the written dev set.
DEFAULT_THRESHOLD = 0.3

# spaCy writes the keys of a mapping to config.cfg as they are, and reads back something else for
# these; "${" opens a variable there, in keys and in values.
_UNSAFE_KEY = re.compile(r"[:=\r\n]|^[\[#;@\s]|\s$")
_VARIABLE = "${"


@dataclass(frozen=True)
class LabelSet:
    """What to look for: three tuples of one length, in the order in which the model is asked.

    names: what `span.label_` becomes. prompts: what the model reads.
    thresholds: a span is a candidate if its score is above this, in (0, 1).
    """

    names: tuple[str, ...]
    prompts: tuple[str, ...]
    thresholds: tuple[float, ...]

    @classmethod
    def create(
        cls,
        labels: Sequence[str] | Mapping[str, str],
        threshold: float | Mapping[str, float] = DEFAULT_THRESHOLD,
        *,
        setting: str = "labels",
    ) -> "LabelSet":
        """Check what the user gave and bring it into one form.

        labels: names that the model reads too, or a mapping of names to what the model reads.
        threshold: one for all labels, or a mapping of names to thresholds; the labels that it
            omits get the default one.
        setting: where the labels came from, for the messages.
        Raises ValueError, [G002] to [G012].
        """
        texts = _texts(labels, setting)
        for name, text in texts:
            _check_text(name, setting)
            _check_text(text, setting)
        names = tuple(name for name, _ in texts)
        prompts = tuple(" ".join(text.split()) for _, text in texts)
        _check_unique(names, prompts, setting)
        return cls(names, prompts, _thresholds(names, threshold, setting))

    def __len__(self) -> int:
        return len(self.names)


def check_config_keys(setting: str, value: Any) -> None:
    """Refuse a mapping, given in a component's config, that spaCy could not read back from it.

    Labels and thresholds set later are in no config, and need no such check.
    Raises ValueError [G007].
    """
    for key in value if isinstance(value, Mapping) else ():
        if isinstance(key, str) and _UNSAFE_KEY.search(key):
            raise ValueError(Errors.G007.format(setting=setting, value=key))


def _texts(labels: Any, setting: str) -> list[tuple[Any, Any]]:
    """Pairs of a name and what the model reads, not yet checked."""
    if isinstance(labels, str):
        raise ValueError(Errors.G002.format(setting=setting, value=labels))
    if isinstance(labels, Mapping):
        return list(labels.items())
    if isinstance(labels, (list, tuple)):
        return [(label, label) for label in labels]
    raise ValueError(Errors.G003.format(setting=setting, value=labels, type=type(labels).__name__))


def _check_text(text: Any, setting: str) -> None:
    if not isinstance(text, str):
        kind = type(text).__name__
        raise ValueError(Errors.G004.format(setting=setting, value=text, type=kind))
    if not text.strip():
        raise ValueError(Errors.G005.format(setting=setting, value=text))
    if _VARIABLE in text:
        raise ValueError(Errors.G006.format(setting=setting, value=text))


def _check_unique(names: Iterable[str], prompts: Iterable[str], setting: str) -> None:
    asked: dict[str, str] = {}
    for name, prompt in zip(names, prompts, strict=True):
        if prompt in asked and asked[prompt] == name:
            raise ValueError(Errors.G008.format(setting=setting, value=name))
        if prompt in asked:
            both = f"{asked[prompt]!r} and {name!r}"
            raise ValueError(Errors.G009.format(setting=setting, value=prompt, names=both))
        asked[prompt] = name


def _thresholds(names: tuple[str, ...], threshold: Any, setting: str) -> tuple[float, ...]:
    if not isinstance(threshold, Mapping):
        return (_checked(threshold, "threshold"),) * len(names)
    unknown = [name for name in threshold if name not in names]
    if unknown:
        known = ", ".join(map(repr, names)) or "none"
        raise ValueError(Errors.G010.format(value=unknown[0], setting=setting, known=known))
    given = {name: _checked(value, f"threshold[{name!r}]") for name, value in threshold.items()}
    return tuple(given.get(name, DEFAULT_THRESHOLD) for name in names)


def _checked(value: Any, setting: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        kind = type(value).__name__
        raise ValueError(Errors.G011.format(setting=setting, value=value, type=kind))
    number = float(value)
    if not 0 < number < 1:
        raise ValueError(Errors.G012.format(setting=setting, value=number))
    return number
