"""Other functions in place of torch's own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch.overrides import TorchFunctionMode


class Replaced(TorchFunctionMode):
    """While it is entered, this thread calls others in place of some of torch's functions.

    others: from each such function to the one that is called.
    """

    def __init__(self, others: Mapping[Callable, Callable]) -> None:
        super().__init__()
        self._others = others

    def __torch_function__(
        self,
        func: Callable,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        return self._others.get(func, func)(*args, **(kwargs or {}))
