"""The odds ratio of a 2 × 2 table with its 95 % interval, for counts as small as nought.

Given how many converted at all, the number of members among them follows Fisher's noncentral hypergeometric
distribution, whose one parameter is the odds ratio. The interval is what its two tails of 2.5 % leave, the estimate has
half on either side; a tail takes half of the chance of the very table that was seen (mid-p). See Cornfield (1956), "A
statistical problem arising from retrospective studies"; Lancaster (1961), "Significance tests in discrete
distributions"; Agresti, "Categorical Data Analysis", 3rd edition, 16.6. No approximation by a normal distribution is
made, so that an interval means the same for three members as for a million.
"""

from typing import Any

import ibis
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

LOW, MIDDLE, HIGH = 0.025, 0.5, 0.975
"""Chance of as many members among those who converted, or more, at the lower end, the estimate and the upper end."""

DECIMALS = 9
"""Of the logarithm of a result: far beyond what the data know, and the same on every machine."""

_CLOSE, _STEPS, _BRACKET = 1e-11, 200, 60.0


@ibis.udf.scalar.builtin
def odds_ratio_at(  # type: ignore[empty-body]
    chance: float, converted: int, members: int, converted_others: int, others: int
) -> float:
    """The odds ratio (members over others) under which as many or more conversions of members have this `chance`.

    Chances are mid-p. 0 where no odds ratio is too small, infinite where none is too large. The counts say something
    only where neither side is empty and where somebody, but not everybody, converted. Engines compute it by `solved`.
    """


def solved(
    chance: Floats, converted: Integers, members: Integers, converted_others: Integers, others: Integers
) -> Floats:
    """`odds_ratio_at` for many tables; a result depends on its own table alone."""
    cells = np.stack([converted, members - converted, converted_others, others - converted_others])
    width = _width(cells.min(axis=0))
    logarithm = np.empty(len(chance))
    for each in np.unique(width):
        of_width = width == each
        logarithm[of_width] = _solved(chance[of_width], cells[:, of_width].astype(np.float64), int(each))
    return np.exp(np.round(logarithm, DECIMALS))


def _width(smallest_cell: Integers) -> Integers:
    """So many outcomes on either side of the one seen hold all but nothing of the chance: ten deviations or more."""
    needed = 20 + 10 * np.sqrt(np.maximum(smallest_cell, 0) + 4)
    return (2 ** np.ceil(np.log2(needed))).astype(np.int64)


def _solved(chance: Floats, cells: Floats, width: int) -> Floats:
    """The logarithm of the odds ratio, by Newton's method on the log odds of the chance, kept within a bracket."""
    above, below = _weights(cells, width)
    wanted = np.log(chance / (1 - chance))
    low, high = np.full(len(chance), -_BRACKET), np.full(len(chance), _BRACKET)
    found = np.zeros(len(chance))
    at_least_half, at_most_half = np.isneginf(below[:, 0]), np.isneginf(above[:, 0])
    found[at_least_half & (chance <= MIDDLE)] = -np.inf
    found[at_most_half & (chance >= MIDDLE)] = np.inf
    searching = np.flatnonzero(np.isfinite(found))
    for _ in range(_STEPS):
        if not len(searching):
            break
        here = found[searching]
        value, slope = _log_odds(here, above[searching], below[searching])
        too_far = value > wanted[searching]
        high[searching] = np.where(too_far, here, high[searching])
        low[searching] = np.where(too_far, low[searching], here)
        with np.errstate(divide="ignore", invalid="ignore"):
            there = here - (value - wanted[searching]) / slope
        within = (there > low[searching]) & (there < high[searching])
        there = np.where(within, there, (low[searching] + high[searching]) / 2)
        found[searching] = there
        searching = searching[np.abs(there - here) > _CLOSE]
    return found


def _weights(cells: Floats, width: int) -> tuple[Floats, Floats]:
    """Logarithms of how probable 1, 2, … `width` conversions of members more, and fewer, are at an odds ratio of 1,
    relative to what was seen."""
    converted, stayed, converted_there, stayed_there = (cell[:, None] for cell in cells)
    step = np.arange(width, dtype=np.float64)[None, :]

    def path(taken: Floats, also_taken: Floats, given: Floats, also_given: Floats) -> Floats:
        taken, also_taken = np.maximum(taken - step, 0), np.maximum(also_taken - step, 0)
        with np.errstate(divide="ignore"):
            ratio = np.log(taken) + np.log(also_taken) - np.log(given + step + 1) - np.log(also_given + step + 1)
        return np.cumsum(ratio, axis=1)

    more = path(stayed, converted_there, converted, stayed_there)
    fewer = path(converted, stayed_there, stayed, converted_there)
    return more, fewer


def _log_odds(theta: Floats, above: Floats, below: Floats) -> tuple[Floats, Floats]:
    """Log odds of the mid-p chance of as many or more at the log odds ratio `theta`, and its slope."""
    more, rise = _tail(above, theta)
    fewer, fall = _tail(below, -theta)
    return more - fewer, rise + fall


def _tail(weights: Floats, theta: Floats) -> tuple[Floats, Floats]:
    """Logarithm of half of what was seen and all beyond it on one side, and its derivative."""
    steps = np.arange(1, weights.shape[1] + 1, dtype=np.float64)[None, :]
    height = weights + steps * theta[:, None]
    top = np.maximum(height.max(axis=1), 0.0)
    chances = np.exp(height - top[:, None])
    whole = 0.5 * np.exp(-top) + chances.sum(axis=1)
    return top + np.log(whole), (chances * steps).sum(axis=1) / whole


def odds_ratio(table: ibis.Table, converted: str, members: str, converted_others: str, others: str) -> dict[str, Any]:
    """The columns `odds_ratio`, `odds_ratio_low`, `odds_ratio_high` for a table with these columns of counts.

    Low is 0 where no odds ratio is too small for the counts; high, and then the estimate, null where none is too large.
    """
    counts = [table[name].cast("int64") for name in (converted, members, converted_others, others)]
    named = {"odds_ratio": MIDDLE, "odds_ratio_low": LOW, "odds_ratio_high": HIGH}
    found = {name: odds_ratio_at(chance, *counts) for name, chance in named.items()}
    return {name: value.isinf().ifelse(ibis.null("float64"), value) for name, value in found.items()}
