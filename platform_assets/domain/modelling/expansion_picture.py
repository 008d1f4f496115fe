"""The picture of an expansion: what to expect of every size of the audience."""

from typing import Any

import numpy as np

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure
from platform_assets.domain.modelling.expansion import Expansion

_DRAWN = 400
"""Sizes that are drawn, evenly on a logarithmic axis."""
_SMALLEST = 5
"""Of fewer persons nothing can be told."""


def expansion_picture(found: Expansion, audience: str) -> bytes:
    """Expected precision and the share of the coming members that is reached, by audience size; 900 pixels wide."""
    figure = blank_figure(f"Expansion of {audience} on {found.day}")
    left, right = figure.subplots(1, 2)
    sizes = _sizes(len(found.precision.value))
    _draw_precision(left, found, sizes)
    _draw_reached(right, found, sizes)
    return as_png(figure)


def _draw_precision(axes: Any, found: Expansion, sizes: np.ndarray) -> None:
    precision, chosen = found.precision, len(found.rows)
    low, high = (100 * each for each in precision.interval(sizes))
    value = 100 * precision.value[sizes - 1]
    axes.fill_between(sizes, low, high, color=ACCENT, alpha=0.15, linewidth=0, label="95 % of what comes true")
    axes.plot(sizes, value, color=ACCENT, linewidth=2, label="expected")
    axes.axhline(value[-1], color=FAINT, linestyle="--", linewidth=1, label="everybody scored")
    _mark(axes, chosen, 100 * precision.value[chosen - 1], sizes[-1], rising=False)
    axes.set(title="Precision", ylabel="% who join", ylim=(0, min(100, 1.6 * value.max())))
    _dress(axes, sizes)
    _legend(axes, "upper right")


def _draw_reached(axes: Any, found: Expansion, sizes: np.ndarray) -> None:
    reached, chosen = 100 * found.reach, len(found.rows)
    axes.plot(sizes, reached[sizes - 1], color=ACCENT, linewidth=2, label="best scored first")
    axes.plot(sizes, 100 * sizes / sizes[-1], color=FAINT, linestyle="--", linewidth=1, label="by chance")
    _mark(axes, chosen, reached[chosen - 1], sizes[-1], rising=True)
    axes.set(title="Reach", ylabel="% of those who join", ylim=(0, 112))
    _dress(axes, sizes)
    _legend(axes, "upper left")


def _mark(axes: Any, size: int, height: float, everybody: int, *, rising: bool) -> None:
    """The chosen size on the curve, with its figures on that side of it where the curve is not."""
    beside = "right" if size > np.sqrt(_SMALLEST * everybody) else "left"
    above = rising or beside == "left"
    axes.axvline(size, color=WARNING, linewidth=1)
    axes.plot([size], [height], color=WARNING, marker="o", markersize=6)
    axes.annotate(
        f"{size:,} persons: {height:.{0 if height >= 10 else 1}f} %",
        (size, height),
        xytext=(-8 if beside == "right" else 8, 8 if above else -8),
        textcoords="offset points",
        ha=beside,
        va="bottom" if above else "top",
        color=INK,
    )


def _dress(axes: Any, sizes: np.ndarray) -> None:
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    axes.set(xscale="log", xlabel="persons in the audience", xlim=(sizes[0], max(2 * sizes[0], sizes[-1])))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(color=GRID)
    axes.set_axisbelow(True)


def _legend(axes: Any, place: str) -> None:
    axes.legend(loc=place, frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)


def _sizes(largest: int) -> np.ndarray:
    return np.unique(np.geomspace(min(_SMALLEST, largest), largest, _DRAWN).round().astype(int))
