"""A real shop's model of repeat buyers in service: drift, decisions and validation by day, through the assets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd

from benchmarks.report import Section
from platform_assets.domain.modelling.violation import violated
from platform_assets_tests.online_retail import FIRST_SCORED, LAST, LOOKALIKE, OnlineRetail

TABLES = ("repeat_buyers_champion", "repeat_buyers_validation", "repeat_buyers_drift", "retrain_decisions")


def live(home: Path) -> dict[str, pd.DataFrame]:
    """The tables after eight weeks in service."""
    with dg.DagsterInstance.ephemeral() as instance:
        shop = OnlineRetail.opened(home, instance)
        shop.run_all()
        shop.run_on()
        return {name: shop.table(name).to_pandas() for name in TABLES}


def section(tables: Mapping[str, pd.DataFrame]) -> Section:
    """AUC by week, drift and decisions."""
    verdict, validated, drift, decisions = (tables[name] for name in TABLES)
    days = validated.sort_values("event_date").to_dict("records")
    bad = sum(violated(LOOKALIKE.model, each, each["expected_auc"]) for each in days)
    moved, large = drift[drift["drifted"].astype(bool)], drift[drift["psi"] >= LOOKALIKE.model.drift.psi]
    closed = sorted({each for each in drift["event_date"] if pd.Timestamp(each).weekday() == 5})
    yes = decisions[decisions["retrain"].astype(bool)]
    return Section(
        title="A real shop's model in service",
        command="SHARED_DATA=… python -m benchmarks shop_loop",
        method=(
            "UCI Online Retail by day through the platform's assets: who of the customers of four weeks buys again in "
            f"the coming four; trained and judged as of 6 July 2011, scored by day until {LAST}, validated once 28 "
            "days had passed; drift and retrain decisions by day. No file is of a Saturday."
        ),
        header=(
            "week from",
            "days",
            "rows a day",
            "AUC, mean",
            "narrowest to widest interval of a day",
            "lift of the best tenth",
        ),
        rows=[_week(week) for _, week in _weeks(validated)],
        notes=[
            f"The gate: {verdict.iloc[0]['reason']}.",
            f"Violated days: {bad} of {len(days)}.",
            f"Drift: {len(moved)} of {len(drift):,} called drifted, on {drift['event_date'].nunique()} days, "
            f"{len(closed)} of them Saturdays. {len(large)} passed a PSI of 0.2, "
            f"on {', '.join(sorted({str(each)[:10] for each in large['event_date']})) or 'no day'}"
            f" ({', '.join(sorted(set(large['subject'])))}), and were not called, for their adjusted p is above 0.01.",
            f"Decisions: {len(decisions)}, of these to retrain {len(yes)}; reasons: "
            + "; ".join(f"{reason} ({count})" for reason, count in decisions["reason"].value_counts().items())
            + ".",
        ],
        figures={"violated": bad, "drifted": len(moved), "compared": len(drift), "retrain": len(yes)},
    )


def _weeks(validated: pd.DataFrame) -> Any:
    ordered = validated.sort_values("event_date")
    number = (pd.to_datetime(ordered["event_date"]) - pd.Timestamp(FIRST_SCORED)).dt.days // 7
    return ordered.groupby(number)


def _week(days: pd.DataFrame) -> tuple[str, ...]:
    width = days["auc_high"] - days["auc_low"]
    narrow, wide = (days.loc[place] for place in (width.idxmin(), width.idxmax()))
    spans = " to ".join(f"[{day['auc_low']:.3f}, {day['auc_high']:.3f}]" for day in (narrow, wide))
    return (
        str(days["event_date"].min())[:10],
        str(len(days)),
        f"{days['rows'].mean():,.0f}",
        f"{days['auc'].mean():.3f}",
        spans,
        f"{days['lift_top_decile'].mean():.2f}",
    )
