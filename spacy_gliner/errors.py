"""Every message that a user can meet, in one place, each with a code to search for.

G0xx settings and labels, G1xx models and checkpoints, G2xx corpora, G3xx evaluation, G4xx training.
"""


class _Coded(type):
    """Prefixes each message with its own name, so that code and text cannot drift apart."""

    def __getattribute__(cls, name: str) -> str:
        text: str = super().__getattribute__(name)
        return text if name.startswith("_") else f"[{name}] {text}"


class Errors(metaclass=_Coded):
    # G0xx: settings and labels

    # G1xx: models and checkpoints

    # G2xx: corpora

    # G3xx: evaluation

    # G4xx: training
    pass


class Warnings(metaclass=_Coded):
    # G0xx: settings and labels

    # G1xx: models and checkpoints

    # G2xx: corpora

    # G4xx: training
    pass
