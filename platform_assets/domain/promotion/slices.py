"""Slices of the rows that models are compared on: where a better model on the whole may be a worse one."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

Mask = npt.NDArray[np.bool_]


def slices_of(column: pd.Series) -> Iterator[tuple[str, Mask]]:
    """Name and rows of every slice that a feature column makes; each row is in exactly one of them.

    Missing values are a slice; up to two known values are one each, more are cut at their median.
    """
    values = column.astype("float64").to_numpy()
    known = np.isfinite(values)
    if not known.all():
        yield f"{column.name} missing", ~known
    distinct = np.unique(values[known])
    if len(distinct) <= 2:
        alike = len({f"{value:.4g}" for value in distinct}) < len(distinct)
        for value in distinct:
            yield f"{column.name} = {float(value)!r}" if alike else f"{column.name} = {value:.4g}", values == value
        return
    # The middle value belongs below the cut, unless nothing would be left above it.
    cut = np.quantile(values[known], 0.5, method="lower")
    if cut < distinct[-1]:
        yield f"{column.name} ≤ {cut:.4g}", values <= cut
        yield f"{column.name} > {cut:.4g}", values > cut
    else:
        yield f"{column.name} < {cut:.4g}", values < cut
        yield f"{column.name} ≥ {cut:.4g}", values >= cut
