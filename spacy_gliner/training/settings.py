"""The settings of training: the `training` block of a component."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from ..errors import Errors
from ..fields import mistyped

SHARES = (
    "type_dropout",
    "special_type_wins",
    "widening",
    "renaming",
    "capitals",
    "lower_case",
)
PRECISIONS = ("auto", "float32", "bfloat16")
TARGET, TAGS = LOSSES = ("target", "tags")

Self = TypeVar("Self", bound="BaseTrainingSettings")


@dataclass(frozen=True)
class BaseTrainingSettings:
    """What is the same for all components.

    max_types: the most types in a prompt.
    negative_ratio: the share of types without a span, on average (GLiNER, section 4.4: half).
    type_dropout: the share of rows whose marked types are asked for only in part.
    special_type_wins: the share of rows in which a broader type is a negative wherever a narrower
        one of the same prompt fits, as far as the thesaurus knows.
    thesaurus: the file of broader kinds and synonyms, or None.
    widening: the share of open rows that are asked for broader kinds, beside or for their own.
    renaming: the share of types shown as a synonym.
    capitals: the share of rows whose types are shown in capitalised form.
    lower_case: the share of rows whose words are shown in lower case.
    row_words: longer passages are cut into rows of at most this many words.
    max_pieces: the padded size of a batch that is computed at once, in word pieces; small ones hold
        rows of one length, so that little is padding.
    precision: "auto" is bfloat16 on hardware that has it.
    """

    max_types: int = 25
    negative_ratio: float = 0.5
    type_dropout: float = 0.3
    special_type_wins: float = 0.8
    thesaurus: str | None = None
    widening: float = 0.0
    renaming: float = 0.0
    capitals: float = 0.0
    lower_case: float = 0.0
    row_words: int = 110
    max_pieces: int = 2048
    precision: str = "auto"

    @classmethod
    def create(cls: type[Self], settings: Mapping[str, Any]) -> Self:
        """Raises ValueError for an unknown setting or a value out of range."""
        known = [field.name for field in fields(cls)]
        for name in settings:
            if name not in known:
                raise ValueError(Errors.G404.format(name=name, known=", ".join(known)))
        created = cls(**settings)
        created._check()
        return created

    def _check(self) -> None:
        for name, _, kind in mistyped(self):
            self._demand(name, False, kind)
        for name in SHARES:
            self._demand(name, 0 <= getattr(self, name) <= 1, "a share, 0 to 1")
        self._demand("negative_ratio", 0 <= self.negative_ratio < 1, "0 or more, below 1")
        for name in ("max_types", "row_words", "max_pieces"):
            self._demand(name, getattr(self, name) >= 1, "1 or more")
        self._choose("precision", PRECISIONS)

    def _choose(self, name: str, choices: tuple[str, ...]) -> None:
        self._demand(name, getattr(self, name) in choices, " or ".join(map(repr, choices)))

    def _demand(self, name: str, fulfilled: bool, demand: str) -> None:
        if not fulfilled:
            value = getattr(self, name)
            raise ValueError(Errors.G405.format(name=name, value=value, range=demand))


@dataclass(frozen=True)
class TrainingSettings(BaseTrainingSettings):
    """What only GLiNER has. Short passages are put together into rows of up to row_words.

    focus: the exponent of the focal loss; 0 is plain binary cross-entropy.
    head_rate: the learning rate of all but the encoder, as a multiple of the optimizer's.
    """

    focus: float = 0.0
    head_rate: float = 3.0


@dataclass(frozen=True)
class GNERTrainingSettings(BaseTrainingSettings):
    """What only GNER has.

    special_type_wins: always, unless it is set; in the other rows chance decides between the types
        that fit a span, which bears one.
    loss: on the whole "target", as in the paper; or on its "tags" alone, whose model can be decoded
        only by force.
    """

    special_type_wins: float = 1.0
    loss: str = TARGET

    def _check(self) -> None:
        super()._check()
        self._choose("loss", LOSSES)
