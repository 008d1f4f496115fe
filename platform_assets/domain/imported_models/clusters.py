"""Where rows that differ lie: among which values, beside which missing inputs, together with which other column."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

DECILES = 10


@dataclass(frozen=True)
class Cluster:
    """A part of the compared rows, and how many of them differ."""

    by: str
    """"decile": a tenth of the rows by the other system's value; "missing": rows without a value of an input, or of
    any; "differs": rows that also differ in another column."""
    part: str
    rows: int
    differing: int

    @property
    def share(self) -> float:
        """The share of the part's rows that differ."""
        return self.differing / self.rows if self.rows else 0.0


def clusters_of(
    differing: npt.NDArray[np.bool_],
    theirs: "pd.Series",
    inputs: "pd.DataFrame | None",
    others: Mapping[str, npt.NDArray[np.bool_]],
) -> tuple[Cluster, ...]:
    """Every decile of the other system's values, rows with missing inputs, rows that differ elsewhere too.

    There are none where nothing differs. Equal values are never parted, so that there may be fewer than ten deciles.
    """
    if not differing.any():
        return ()
    found = _by_decile(differing, theirs) if theirs.dtype == "float64" else []
    if inputs is not None:
        found += _by_missing_input(differing, inputs.isna())
    found += [_part("differs", name, rows, differing) for name, rows in others.items()]
    return tuple(found)


def _by_decile(differing: npt.NDArray[np.bool_], theirs: "pd.Series") -> list[Cluster]:
    values = theirs.to_numpy()
    known = np.isfinite(values)
    if not known.any():
        return []
    edges = np.unique(np.quantile(values[known], np.linspace(0, 1, DECILES + 1)[1:-1], method="inverted_cdf"))
    place = np.searchsorted(edges, values, side="left")
    return [
        _part("decile", f"{values[rows].min():.6g} to {values[rows].max():.6g}", rows, differing)
        for number in range(len(edges) + 1)
        if (rows := known & (place == number)).any()
    ]


def _by_missing_input(differing: npt.NDArray[np.bool_], missing: "pd.DataFrame") -> list[Cluster]:
    some = missing.any(axis=1).to_numpy()
    if not some.any():
        return []
    columns = [(name, missing[name].to_numpy()) for name in missing.columns if missing[name].any()]
    return [
        _part("missing", "any input", some, differing),
        _part("missing", "no input", ~some, differing),
        *(_part("missing", name, rows, differing) for name, rows in columns),
    ]


def _part(by: str, part: str, rows: npt.NDArray[np.bool_], differing: npt.NDArray[np.bool_]) -> Cluster:
    return Cluster(by, part, int(rows.sum()), int((rows & differing).sum()))
