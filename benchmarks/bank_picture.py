"""The picture of a model's life under several policies: AUC by month, and below it who trained when."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bank_loop import Replay, Training
from benchmarks.bank_policies import ENGINE, by_month
from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure

COLOURS = (FAINT, WARNING, "#0f766e", "#9333ea", ACCENT)


def life_picture(replays: Mapping[str, Replay]) -> bytes:
    """Lines of AUC by month, the engine's with its interval; months that tell too little are gaps."""
    figure = blank_figure("A bank's calls, 2008–2009: AUC by month under five ways to train again", 10, 7.2)
    upper, rates, lower = figure.subplots(3, 1, sharex=True, height_ratios=(3.2, 0.9, 1.3))
    scored = replays[ENGINE].scored
    months = pd.period_range(scored["event_date"].min(), scored["event_date"].max(), freq="M")
    places = {str(month): number for number, month in enumerate(months)}
    for (name, replay), colour in zip(replays.items(), COLOURS, strict=True):
        _draw_line(upper, name, replay, places, colour)
    upper.axhline(0.5, color=FAINT, linewidth=1, linestyle=":")
    upper.set_ylabel("AUC")
    upper.legend(ncols=5, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.13), fontsize=10)
    _draw_rates(rates, scored, places)
    for number, replay in enumerate(reversed(replays.values())):
        _draw_trainings(lower, number, replay.trainings, months[0])
    lower.set_yticks(range(len(replays)), list(reversed(replays)), fontsize=9)
    lower.set_ylim(-0.6, len(replays) - 0.4)
    lower.set_xlim(-0.6, len(months) - 0.4)
    lower.set_xticks(range(len(months)), [each.strftime("%b\n%Y" if each.month == 1 else "%b") for each in months])
    lower.set_xlabel("trainings: filled – used, hollow – refused by the gate, × – not enough to train on", fontsize=10)
    for axes in (upper, rates, lower):
        axes.grid(axis="y" if axes is not lower else "x", color=GRID)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(colors=INK)
    return as_png(figure)


def _draw_line(axes: Any, name: str, replay: Replay, places: Mapping[str, int], colour: str) -> None:
    value, low, high = (np.full(len(places), np.nan) for _ in range(3))
    for month, estimate in by_month(replay.scored).items():
        place = places[month]
        value[place], low[place], high[place] = estimate.value, estimate.low, estimate.high
    known, main = ~np.isnan(value), name == ENGINE
    where = np.arange(len(places))
    if main:
        axes.errorbar(
            where[known],
            value[known],
            yerr=[(value - low)[known], (high - value)[known]],
            color=colour,
            linestyle="none",
            linewidth=1.2,
            capsize=3,
            alpha=0.6,
        )
    axes.plot(where, value, color=colour, marker="o", markersize=6 if main else 4, linewidth=2.4 if main else 1.5)
    axes.lines[-1].set(label=name, zorder=3 if main else 2)


def _draw_rates(axes: Any, scored: pd.DataFrame, places: Mapping[str, int]) -> None:
    groups = scored.groupby(pd.to_datetime(scored["event_date"]).dt.strftime("%Y-%m"))["label"]
    for month, share, rows in zip(groups.mean().index, groups.mean(), groups.size(), strict=True):
        axes.bar(places[month], share, width=0.6, color=GRID)
        axes.text(places[month], share + 0.03, f"{rows:,}", ha="center", fontsize=8, color=INK)
    axes.set(ylabel="agreed", ylim=(0, 0.9), yticks=[0, 0.5])
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")


def _draw_trainings(axes: Any, row: int, trainings: Sequence[Training], first: pd.Period) -> None:
    for each in trainings:
        month = pd.Period(each.day, freq="M")
        # A month is drawn from half a step before its mark to half a step behind it.
        place = (month - first).n + (each.day.day - 0.5) / month.days_in_month - 0.5
        if each.model is None:
            axes.plot(place, row, "x", color=FAINT, markersize=5)
        else:
            axes.plot(place, row, "o", color=ACCENT, markersize=6, markerfacecolor=ACCENT if each.used else "white")
