"""scikit-learn's habits: parameters by name, and a clear word where nothing is fitted yet."""

from __future__ import annotations

import inspect
from typing import Any, Self


class NotFittedError(ValueError, AttributeError):
    """A model was used before it was fitted."""


class Estimator:
    """An object that is its constructor's arguments, and what fitting adds to them."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Constructor arguments by name, as scikit-learn has it."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params: Any) -> Self:
        """Change constructor arguments; what was fitted before is gone, but for the moments."""
        unknown = params.keys() - self.get_params().keys()
        if unknown:
            raise ValueError(f"{type(self).__name__} has no parameters {sorted(unknown)}")
        type(self).__init__(self, **{**self.get_params(), **params})
        vars(self).pop("solution_", None)
        return self

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({arguments})"
