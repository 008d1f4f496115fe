"""The pictures of a drift report as SVG: histograms of a day over those of its reference, and rows a day.

Only shapes and numbers are drawn here, in classes that the report's style colours.
"""

import math
from collections.abc import Mapping
from datetime import date

import numpy as np

from platform_assets.domain.drift.distribution import Distribution, Floats

BARS = 24
"""A column of many values is shown in so many bars of equal width, the outermost of which are open."""
TAIL = 0.005
"""Share of values that may lie in each of the open bars."""


def histogram(today: Distribution, reference: Distribution, width: int = 180, height: int = 40) -> str:
    """The reference as filled bars, the day as a line over them, both as shares of the rows with a value.

    Empty where neither side has values. Few values have a bar each, those that the reference never saw as well.
    """
    if not (today.size or reference.size):
        return ""
    now, before, low, high = _shares(today, reference)
    top = max(now.max(initial=0), before.max(initial=0)) or 1.0
    step, floor = width / len(now), height - 1
    levels = [floor - (height - 4) * share / top for share in now]
    bar = max(step - 0.6, 0.8)
    bars = "".join(
        f'<rect x="{number * step:.1f}" y="{floor - tall:.1f}" width="{bar:.1f}" height="{tall:.1f}"/>'
        for number, tall in enumerate((height - 4) * before / top)
        if tall
    )
    line = "".join(f"H{number * step:.1f}V{level:.1f}" for number, level in enumerate(levels))
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="from {low} to {high}"><title>from {low} to {high}</title><g class="reference">{bars}</g>'
        f'<path class="today" d="M0 {floor}{line}H{width}V{floor}"/></svg>'
    )


def _shares(today: Distribution, reference: Distribution) -> tuple[Floats, Floats, str, str]:
    """The shares of both in each bar, and what the first and the last bar are of."""
    sides = [side for side in (today, reference) if side.size]
    values = np.union1d(today.values, reference.values)
    if len(values) <= BARS:
        counted = [side.rows_with(values) / max(side.size, 1) for side in (today, reference)]
    else:
        finite = [each for each in (side.finite() for side in sides) if each.size]
        low = min(float(side.quantiles(np.array([TAIL]))[0]) for side in finite)
        high = max(float(side.quantiles(np.array([1 - TAIL]))[0]) for side in finite)
        values = _bounds(low, high, whole=all((side.values % 1 == 0).all() for side in finite))
        upper = np.append(values[1:-1], np.inf)
        counted = [np.diff(side.rows_up_to(upper), prepend=0) / max(side.size, 1) for side in (today, reference)]
    return counted[0], counted[1], f"{values[0]:.4g}", f"{values[-1]:.4g}"


def _bounds(low: float, high: float, *, whole: bool) -> Floats:
    """Bounds of at most BARS bars of one width; of whole numbers, each bar holds equally many of them."""
    if whole:
        width = max(math.ceil((high - low) / BARS), 1)
        return np.arange(low, high + width + 1, width) - 0.5
    return np.linspace(low, high, BARS + 1) if high > low else np.array([low, low + 1])


def rows_a_day(rows_by_day: Mapping[date, int], day: date, width: int = 620, height: int = 120) -> str:
    """Rows of each of the days as bars, `day` picked out; days without any leave a gap."""
    if not rows_by_day:
        return ""
    first, most = min(rows_by_day), max(max(rows_by_day.values()), 1)
    count, floor = (day - first).days + 1, height - 18
    step = width / count
    bars = []
    for each, rows in rows_by_day.items():
        tall = (floor - 16) * rows / most
        kind = "today-bar" if each == day else "bar"
        bars.append(
            f'<rect class="{kind}" x="{(each - first).days * step:.1f}" y="{floor - tall:.1f}" '
            f'width="{max(step - 2, 1):.1f}" height="{max(tall, 0.5):.1f}"><title>{each}: {rows:,}</title></rect>'
        )
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="rows a day">'
        f'<text x="0" y="10">{most:,} rows</text><line class="axis" x1="0" y1="{floor}" x2="{width}" y2="{floor}"/>'
        f'{"".join(bars)}<text x="0" y="{height - 3}">{first}</text>'
        f'<text x="{width}" y="{height - 3}" text-anchor="end">{day}</text></svg>'
    )
