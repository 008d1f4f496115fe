"""The picture of a validated day: calibration and lift of its scores, and the model's metric over the last weeks."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.quality import calibration_curve, lift_by_decile

SHOWN_DAYS = 56
"""The metric is shown over the last so many days."""

_FEWEST_DAYS = 13
"""The axis of days is at least so long."""
_NAMES = {"auc": "AUC", "log_loss": "Log loss", "brier": "Brier score"}


def validation_picture(spec: ModelSpec, day: date, scored: pd.DataFrame, history: pd.DataFrame) -> bytes:
    """Calibration with its interval, lift by tenth, and the metric by day with its interval; 900 pixels wide.

    `scored` are the day's rows (`score`, `label`), `history` validation rows of the days up to it. Where another
    version begins to score, a line stands; days on which a version was in sample are hollow.
    """
    figure = blank_figure(
        f"{spec.name} on {day}: {len(scored):,} scores, {int(scored['label'].sum()):,} came true", 9, 7
    )
    grid = figure.add_gridspec(2, 2, height_ratios=(1, 0.85))
    labels, scores = scored["label"].to_numpy(dtype=np.float64), scored["score"].to_numpy(dtype=np.float64)
    _draw_calibration(figure.add_subplot(grid[0, 0]), labels, scores)
    _draw_lift(figure.add_subplot(grid[0, 1]), lift_by_decile(labels, scores))
    _draw_history(figure.add_subplot(grid[1, :]), history, spec.metric)
    return as_png(figure)


def _draw_calibration(axes: Any, labels: np.ndarray, scores: np.ndarray) -> None:
    expected, observed, rows = calibration_curve(labels, scores)
    low, high = _wilson(observed, rows)
    top = max(1e-3, 1.1 * max([*expected, *high], default=1.0))
    axes.plot([0, top], [0, top], color=FAINT, linestyle="--", linewidth=1, label="perfect")
    spread = np.maximum(0, [observed - low, high - observed])
    axes.errorbar(expected, observed, yerr=spread, color=ACCENT, marker="o", markersize=5, linewidth=2, capsize=3)
    axes.set(title="Calibration by tenth, with 95 % intervals", xlim=(0, top), ylim=(0, top))
    axes.set(xlabel="mean score", ylabel="share that came true")
    _dress(axes)
    axes.legend(loc="upper left", frameon=False)


def _wilson(share: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95 % interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22), which holds for few and for no hits too."""
    z = 1.96
    middle = (share + z**2 / (2 * rows)) / (1 + z**2 / rows)
    half = z / (1 + z**2 / rows) * np.sqrt(share * (1 - share) / rows + z**2 / (4 * rows**2))
    return np.maximum(0, middle - half), np.minimum(1, middle + half)


def _draw_lift(axes: Any, lifts: np.ndarray) -> None:
    shown = np.nan_to_num(lifts)
    bars = axes.bar(np.arange(1, 11), shown, color=ACCENT, width=0.72)
    axes.axhline(1, color=FAINT, linestyle="--", linewidth=1)
    labels = ["–" if np.isnan(lift) else f"{lift:.1f}" for lift in lifts]
    axes.bar_label(bars, labels=labels, padding=2, color=INK, fontsize=9)
    axes.set(title="Lift by tenth, best scored first", xlabel="tenth of the scored", ylabel="times the base rate")
    axes.set(xticks=np.arange(1, 11), ylim=(0, max(1.2, 1.15 * shown.max())))
    _dress(axes)
    axes.grid(visible=False, axis="x")


def _draw_history(axes: Any, history: pd.DataFrame, metric: str) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    rows = history.dropna(subset=[metric]).sort_values("event_date")
    days = pd.to_datetime(rows["event_date"]).to_numpy()
    value, low, high = (rows[name].to_numpy(dtype=np.float64) for name in (metric, f"{metric}_low", f"{metric}_high"))
    seen, version = rows["in_sample"].to_numpy(dtype=bool), rows["model_version"].to_numpy()
    changes = np.r_[0, np.flatnonzero(np.diff(version)) + 1] if len(rows) else np.empty(0, dtype=int)
    for first, last in zip(changes, np.r_[changes[1:], len(rows)][: len(changes)], strict=True):
        part = slice(first, last)
        axes.errorbar(
            days[part], value[part], yerr=np.maximum(0, [value[part] - low[part], high[part] - value[part]]),
            color=ACCENT, ecolor=FAINT, marker="o", markersize=5, linewidth=1.5, elinewidth=1.5, capsize=2,
        )  # fmt: skip
        expected = rows[f"expected_{metric}"].to_numpy(dtype=np.float64)[part]
        axes.plot(
            days[part], expected, color=WARNING, linestyle="--", linewidth=1.5, label=None if first else "expected"
        )
        if first:
            axes.axvline(days[first] - np.timedelta64(12, "h"), color=INK, linewidth=1)
        axes.annotate(
            f"version {version[first]}", (days[first], 1), xycoords=("data", "axes fraction"), xytext=(2, -4),
            textcoords="offset points", va="top", ha="left", color=INK, fontsize=9,
        )  # fmt: skip
    axes.plot(days[seen], value[seen], color="white", marker="o", markersize=3, linestyle="none", zorder=5)
    axes.set(title=f"{_NAMES[metric]} of the last validated days, with 95 % intervals", ylabel=_NAMES[metric])
    axes.xaxis.set_major_locator(AutoDateLocator(minticks=2, maxticks=9))
    axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))
    if len(days):
        begins = min(days[0], days[-1] - np.timedelta64(_FEWEST_DAYS, "D"))
        axes.set_xlim(begins - np.timedelta64(1, "D"), days[-1] + np.timedelta64(1, "D"))
    axes.margins(y=0.22)
    _dress(axes)
    if rows[f"expected_{metric}"].notna().any():
        axes.legend(loc="lower left", frameon=True, facecolor="white", edgecolor="none", framealpha=0.9)


def _dress(axes: Any) -> None:
    axes.grid(color=GRID)
    axes.set_axisbelow(True)
