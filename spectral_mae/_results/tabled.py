"""Results as tables of pandas."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from spectral_mae.extras import missing

if TYPE_CHECKING:
    from pandas import DataFrame


class Tabled(ABC):
    """A result that is a table: columns of equal length, with a name each."""

    def to_dataframe(self) -> DataFrame:
        """Return the result as a table of pandas: the columns of `to_csv`, where there is one.

        Returns
        -------
        pandas.DataFrame
            One row per bin or frequency, and of a batch also per spectrum.

        Raises
        ------
        ModuleNotFoundError
            If pandas is not installed.
        """
        try:
            from pandas import DataFrame
        except ModuleNotFoundError as error:
            if error.name != "pandas":
                raise
            raise ModuleNotFoundError(
                missing("to_dataframe", "pandas", "pandas"), name="pandas"
            ) from None
        return DataFrame(self._columns())

    @abstractmethod
    def _columns(self) -> dict[str, NDArray[Any]]:
        """The columns by name."""
