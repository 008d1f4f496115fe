"""Pictures of audiences as PNG bytes: how much they overlap, and how much likelier their members convert."""

from typing import TYPE_CHECKING, Any

import numpy as np

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 60
"""So many audiences are drawn, the largest; more can't be told apart."""

_LONGEST_NAME = 34


def overlap_picture(overlap: "pd.DataFrame", sizes: "pd.DataFrame", title: str) -> bytes:
    """Heat map: of the audience in the row, the share that belongs to the one in the column as well.

    `overlap` holds rows of `audience_overlap` of one day, `sizes` its `audience` and `members`. Alike audiences stand
    side by side.
    """
    names = _largest(sizes)
    shares, likeness = _matrix(overlap, names, "members_share"), _matrix(overlap, names, "jaccard")
    order = _alike_side_by_side(likeness)
    names, shares = [names[place] for place in order], shares[np.ix_(order, order)]
    count, members = len(names), dict(zip(sizes.audience, sizes.members, strict=True))
    cell = 0.42 if count <= 30 else 0.22
    longest = max(len(_shortened(name)) for name in names)
    figure = blank_figure(title, width=3.2 + 0.085 * longest + cell * count, height=1.9 + 0.07 * longest + cell * count)
    axes = figure.subplots()
    shown = axes.imshow(np.where(np.eye(count, dtype=bool), np.nan, shares), cmap="Blues", vmin=0, vmax=1)
    axes.set_facecolor(GRID)
    size = 8 if count <= 30 else 6.5
    labels = [f"{_shortened(name)}  ({members[name]:,})" for name in names]
    axes.set_yticks(range(count), labels, fontsize=size, color=INK)
    axes.set_xticks(range(count), [_shortened(name) for name in names], fontsize=size, color=INK, rotation=90)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if count <= 25:
        _write_shares(axes, shares)
    bar = figure.colorbar(shown, ax=axes, shrink=min(1.0, 4 / (cell * count + 0.01)), pad=0.02)
    bar.set_label("share of the row's members in the column's audience", fontsize=8, color=INK)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, length=0)
    return as_png(figure)


def odds_ratio_picture(report: "pd.DataFrame", title: str) -> bytes:
    """Forest: the odds ratio of every audience with its interval on a logarithmic axis, the largest ratio on top.

    `report` holds rows of `audience_report` of one day. On the right stand who converted of the members and of all
    others; an arrow says that an interval has no end there.
    """
    known = report[report.no_odds_ratio.isnull()]
    known = known.nlargest(MOST_ROWS, "active_members", keep="first")
    known = known.sort_values(["odds_ratio", "odds_ratio_low", "audience"], na_position="last")
    rows = known.to_dict("records")
    height = 0.27 if len(rows) <= 30 else 0.19
    figure = blank_figure(title, width=10, height=1.7 + height * max(len(rows), 2))
    axes = figure.subplots()
    least, most = _range_of_axis(rows)
    axes.set(xscale="log", xlim=(least, most), ylim=(-0.7, max(len(rows), 2) - 0.3))
    axes.axvline(1, color=FAINT, linestyle="--", linewidth=1)
    for place, row in enumerate(rows):
        _draw_interval(axes, place, row, least, most)
    size = 8 if len(rows) <= 30 else 6.5
    axes.set_yticks(range(len(rows)), [_shortened(row["audience"]) for row in rows], fontsize=size, color=INK)
    axes.tick_params(axis="y", length=0, pad=9)
    axes.grid(axis="x", color=GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_xlabel(
        "odds ratio of conversion, members against everybody else, with 95 % interval", color=INK, fontsize=9
    )
    _plain_ticks(axes, least, most)
    right = axes.secondary_yaxis("right")
    right.set_yticks(range(len(rows)), [_counts(row) for row in rows], fontsize=size, color=INK)
    right.tick_params(length=0, pad=10)
    right.spines[:].set_visible(False)
    if not rows:
        axes.text(0.5, 0.5, "no odds ratio is defined on this day", transform=axes.transAxes, ha="center", color=INK)
    else:
        axes.set_title("converted: members | others", loc="right", fontsize=8, color=INK)
    return as_png(figure)


def _largest(sizes: "pd.DataFrame") -> list[str]:
    ordered = sizes.sort_values(["members", "audience"], ascending=[False, True])
    return list(ordered.audience.head(MOST_ROWS))


def _matrix(overlap: "pd.DataFrame", names: list[str], measure: str) -> np.ndarray:
    """The measure for every two audiences: 0 where they have nobody in common, 1 with itself."""
    table = overlap.pivot(index="audience", columns="other_audience", values=measure)
    matrix = table.reindex(index=names, columns=names).fillna(0.0).to_numpy(dtype=float, copy=True)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _alike_side_by_side(likeness: np.ndarray) -> list[int]:
    """The order in which audiences that share many members are neighbours."""
    if len(likeness) < 3:
        return list(range(len(likeness)))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = squareform(1 - likeness, checks=False)
    return [int(place) for place in leaves_list(linkage(distance, "average", optimal_ordering=True))]


def _write_shares(axes: Any, shares: np.ndarray) -> None:
    for row, column in np.ndindex(shares.shape):
        if row != column and shares[row, column] >= 0.005:
            colour = "white" if shares[row, column] > 0.6 else INK
            axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", fontsize=7, color=colour)


def _draw_interval(axes: Any, place: int, row: dict[str, Any], least: float, most: float) -> None:
    """Line, estimate, and an arrow where the interval goes on beyond the axis."""
    low, high, middle = (row[name] for name in ("odds_ratio_low", "odds_ratio_high", "odds_ratio"))
    high = np.inf if high is None or np.isnan(high) else high
    colour = ACCENT if low > 1 else WARNING if high < 1 else FAINT
    axes.plot([max(low, least), min(high, most)], [place, place], color=colour, linewidth=1.8, solid_capstyle="butt")
    for end, goes_on, marker in ((least, low < least, "<"), (most, high > most, ">")):
        if goes_on:
            axes.plot([end], [place], marker=marker, color=colour, markersize=5, clip_on=False)
    if middle is not None and least <= middle <= most:
        axes.plot([middle], [place], marker="s", color=colour, markersize=4.5)


def _range_of_axis(rows: list[dict[str, Any]]) -> tuple[float, float]:
    """From the smallest to the largest estimate or end that is near one, and always some room around 1."""
    ends = [row[name] for row in rows for name in ("odds_ratio", "odds_ratio_low", "odds_ratio_high")]
    near = [end for end in ends if end is not None and 0.02 <= end <= 200]
    return 0.8 * min([0.5, *near]), 1.25 * max([2.0, *near])


def _plain_ticks(axes: Any, least: float, most: float) -> None:
    """Ticks as people say them: 0.1, 0.5, 1, 2 …, without minor ones between."""
    steps = [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200]
    ticks = [step for step in steps if least <= step <= most]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], fontsize=8, color=INK)
    axes.minorticks_off()


def _counts(row: dict[str, Any]) -> str:
    others = row["population"] - row["active_members"]
    return f"{row['converted_members']:,} of {row['active_members']:,} | {row['converted_others']:,} of {others:,}"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
