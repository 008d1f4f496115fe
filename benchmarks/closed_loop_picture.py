"""The picture of the closed loop: what came true, what was decided, and which version scored, day by day."""

import pandas as pd

from benchmarks.closed_loop_leg import DRIFT_DAY
from platform_assets.domain.drawing import ACCENT, FAINT, GRID, INK, WARNING, as_png, blank_figure
from platform_assets_tests.closed_loop import Story

COLOURS = (ACCENT, "#0f766e", "#7c3aed", "#be185d")


def picture(story: Story, planted_bad: int | None) -> bytes:
    """AUC of every scored day with its interval by version above, every day's decision below, on one axis of days."""
    figure = blank_figure("A model that notices, waits for its labels, learns, and proves itself", width=11, height=6)
    metric, decided = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1.2])
    _draw_metric(metric, story.validation)
    _draw_decisions(decided, story, planted_bad)
    for axes in (metric, decided):
        axes.axvline(DRIFT_DAY, color=WARNING, linestyle="--", linewidth=1.2)
        axes.grid(color=GRID, axis="x")
        axes.spines[["top", "right"]].set_visible(False)
    metric.annotate(
        "planted drift: people buy\nfor other reasons from today",
        (DRIFT_DAY, 0.93),
        xytext=(5, 0),
        textcoords="offset points",
        color=WARNING,
        fontsize=9,
        va="top",
    )
    decided.set_xlabel("day of the simulated world")
    return as_png(figure)


def _draw_metric(axes, validation: pd.DataFrame) -> None:  # type: ignore[no-untyped-def]  # matplotlib comes late
    axes.axhline(0.5, color=FAINT, linewidth=1)
    axes.annotate("a coin", (validation["day"].min(), 0.5), xytext=(0, 3), textcoords="offset points", color=FAINT)
    for number, (version, rows) in enumerate(validation.groupby("model_version")):
        colour = COLOURS[number % len(COLOURS)]
        axes.fill_between(rows["day"], rows["auc_low"], rows["auc_high"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(rows["day"], rows["auc"], color=colour, linewidth=1.8, label=f"scored by version {version}")
        axes.hlines(rows["expected_auc"].iloc[0], rows["day"].min(), rows["day"].max(), color=colour, linestyle=":")
    axes.set(ylabel="AUC of the day, with 95 % interval", ylim=(0.2, 0.95))
    axes.grid(color=GRID, axis="y")
    axes.legend(loc="lower left", frameon=False, title="dotted: what the version promised", title_fontsize=9)


def _draw_decisions(axes, story: Story, planted_bad: int | None) -> None:  # type: ignore[no-untyped-def]
    decisions, gate = story.decisions, story.promotions
    waiting = decisions["noticed"].notna() & ~decisions["retrain"]
    refused = gate[(gate["decision"] == "refused") & (gate["version"] != planted_bad)]
    rows = [
        ("nothing calls for it", decisions.loc[~waiting & ~decisions["retrain"], "day"], "|", FAINT),
        ("noticed, waits for labels", decisions.loc[waiting, "day"], "|", WARNING),
        ("trains", decisions.loc[decisions["retrain"], "day"], "o", INK),
        ("refused by the gate", refused["day"], "X", "#b91c1c"),
        ("planted bad one refused", gate.loc[gate["version"] == planted_bad, "day"], "X", "#b91c1c"),
        ("taken as it is, by hand", gate.loc[gate["decision"] == "promoted_by_hand", "day"], "*", FAINT),
        ("promoted", gate.loc[gate["decision"] == "promoted", "day"], "*", "#15803d"),
    ]
    shown = [row for row in rows if len(row[1])]
    for place, (_, days, marker, colour) in enumerate(shown):
        axes.scatter(days, [-place] * len(days), marker=marker, color=colour, s=70 if marker in "oX*" else 40, zorder=3)
    axes.set_yticks([-place for place in range(len(shown))], [name for name, *_ in shown])
    axes.set_ylim(-len(shown) + 0.4, 0.6)
