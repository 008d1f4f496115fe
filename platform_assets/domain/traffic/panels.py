"""The picture of a series taken apart: observed hours and the forecast, trend, seasons and residual in panels.

It shows the table's own rows: every hour as its day said, the forecast as of the last day.
"""

from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from platform_assets.domain.contracts.traffic_decomposition import OBSERVED
from platform_assets.domain.contracts.traffic_series import ALL, SITE
from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN_DAYS = 28
_PARTS = (("trend", "trend"), ("season_day", "day season"), ("season_week", "week season"), ("residual", "residual"))


def panels_of_busiest(decomposition: ibis.Table) -> dict[str, bytes]:
    """Pictures of the series of all events and of the site with the most; none where there is nothing to show."""
    observed = decomposition.filter(decomposition.horizon_days == OBSERVED)
    totals = observed.group_by("series").aggregate(total=observed.events.sum()).to_pandas()
    sites = totals[totals["series"].str.startswith(f"{SITE}:")].sort_values(
        ["total", "series"], ascending=[False, True]
    )
    chosen = {"all_events": ALL} | ({"busiest_site": sites["series"].iloc[0]} if len(sites) else {})
    rows = decomposition.filter(decomposition.series.isin(list(chosen.values()))).to_pandas()
    return {
        name: decomposition_panels(rows[rows["series"] == series], _title(series))
        for name, series in chosen.items()
        if (rows["series"] == series).any()
    }


def _title(series: str) -> str:
    return "all events" if series == ALL else series.replace(":", " ", 1)


def decomposition_panels(rows: pd.DataFrame, title: str) -> bytes:
    """The panels of one series, 1200 pixels wide, from its rows of `traffic_decomposition`.

    Observed hours come from all the days in `rows`, the forecast from the last of them.
    """
    observed = rows[rows["horizon_days"] == OBSERVED].sort_values("hour_at")
    last = observed["event_date"].max()
    ahead = rows[(rows["horizon_days"] > OBSERVED) & (rows["event_date"] == last)].sort_values("hour_at")
    figure = blank_figure(f"Traffic of {title}, as of the end of {pd.Timestamp(last):%Y-%m-%d} (UTC)", 12, 10)
    panels = figure.subplots(1 + len(_PARTS), 1, sharex=True, height_ratios=[2.8, 1, 1, 1, 1])
    _draw_events(panels[0], observed, ahead)
    for axes, (column, label) in zip(panels[1:], _PARTS, strict=True):
        _draw_part(axes, observed, column, label)
    _mark_time(panels, observed)
    figure.align_ylabels(panels)
    return as_png(figure)


def _draw_events(axes: "Axes", observed: pd.DataFrame, ahead: pd.DataFrame) -> None:
    axes.plot(observed["hour_at"], observed["events"].astype(float), color=INK, linewidth=0.9, label="observed")
    odd = observed[observed["is_anomaly"].eq(True)]
    axes.scatter(odd["hour_at"], odd["events"].astype(float), color=WARNING, s=22, zorder=3, label="anomaly")
    axes.plot(ahead["hour_at"], ahead["forecast"], color=ACCENT, linewidth=1.2, label="forecast")
    low, high = ahead["forecast_low"].astype(float), ahead["forecast_high"].astype(float)
    axes.fill_between(ahead["hour_at"], low, high, color=ACCENT, alpha=0.18, linewidth=0, label="90 % interval")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("events an hour", color=INK)


def _draw_part(axes: "Axes", observed: pd.DataFrame, column: str, label: str) -> None:
    values = observed[column].astype(float)
    axes.plot(observed["hour_at"], values, color=INK, linewidth=0.9)
    if column == "residual":
        odd = observed["is_anomaly"].eq(True)
        axes.scatter(observed["hour_at"][odd], values[odd], color=WARNING, s=14, zorder=3)
    if column == "trend":
        axes.set_ylim(0, 1.25 * max(values.max(), 1e-9))
    else:
        axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    axes.set_ylabel(label, color=INK)


def _mark_time(panels: "np.ndarray", observed: pd.DataFrame) -> None:
    """Weeks as ticks, gaps as shaded hours, the end of what was observed as a line."""
    from matplotlib.dates import DateFormatter, WeekdayLocator

    hour = pd.Timedelta(hours=1)
    gaps = observed["hour_at"][observed["is_gap"].eq(True)]
    for axes in panels:
        for number, start in enumerate(gaps):
            label = "gap: the collector was away" if number == 0 else None
            axes.axvspan(start - hour, start + 2 * hour, color=FAINT, alpha=0.6, linewidth=0, label=label)
        axes.axvline(observed["hour_at"].max() + hour, color=FAINT, linestyle="--", linewidth=1)
        axes.grid(color=GRID)
        axes.margins(x=0.005)
        axes.spines[["top", "right"]].set_visible(False)
        axes.spines[["left", "bottom"]].set_color(FAINT)
        axes.tick_params(colors=INK, length=3)
    panels[-1].xaxis.set_major_locator(WeekdayLocator(byweekday=0))
    panels[-1].xaxis.set_major_formatter(DateFormatter("Mon %-d %b"))
    panels[0].legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=5, frameon=False)
