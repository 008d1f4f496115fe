"""The lookalike against what is planted, against a real shop, and against scikit-learn and pandas alone."""

import json
from pathlib import Path
from typing import Any

from benchmarks.fresh_process import run
from benchmarks.report import Section

EVENTS = 1_000_000


def measure(scratch: Path, shared_data: Path | None) -> Section:
    """Every leg in a fresh process; the computed world stays in the scratch folder and is used again."""
    world = [str(scratch / "lookalike" / f"{EVENTS}-events"), str(EVENTS)]
    found, training = _leg("quality", *world), _leg("training", *world)
    expansion = _leg("expansion")
    shop = _leg("shop", str(scratch / "lookalike" / "shop")) if shared_data else {}
    return Section(
        title="Lookalike",
        command="python -m benchmarks lookalike",
        method=(
            f"The demo's world ({EVENTS:,} events, 60 days, with hubs): the seed is `buyers`, trained as of 15 days "
            "before the last, judged on unseen days whose labels are final. Cost: CPU seconds within one process; "
            "training against scikit-learn's bare `GridSearchCV` on the same rows and folds, the expansion of a day to "
            "10,000 persons against pandas' bare choice of the best."
        ),
        header=("what", "measured", "beside"),
        rows=[*_planted(found), *_costs(training, expansion), *(_real(shop) if shop else [])],
        figures={"quality": found, "training": training, "expansion": expansion, "shop": shop},
    )


def _leg(*command: str) -> dict[str, Any]:
    _, output = run(["-m", "benchmarks.lookalike_leg", *command])
    return json.loads(output.splitlines()[-1])


def _planted(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = []
    for key, name in (("everybody", "everybody scored"), ("non_members", "who is outside of the seed")):
        each = found[key]
        rows.append(
            (
                f"AUC, {name} ({each['rows']:,} person days, {each['positives']:,} joined)",
                f"{each['model_auc']:.3f}",
                f"planted probabilities {each['planted_auc']:.3f}: "
                f"{each['planted_auc'] - each['model_auc']:+.3f}, at most 0.03",
            )
        )
    return [*rows, *_precision(found, "simulated world")]


def _precision(found: dict[str, Any], where: str) -> list[tuple[str, str, str]]:
    return [
        (
            f"precision of {found['size']} persons a day, {where} ({found['days']} days)",
            f"{found['realised_precision']:.1%} joined",
            f"expected {found['expected_precision']:.1%}; within the 95 % interval: {found['inside']:.0%} of all sizes "
            f"and days, {found['whole_days_inside']:.0%} of days at the chosen size",
        )
    ]


def _costs(training: dict[str, Any], expansion: dict[str, Any]) -> list[tuple[str, str, str]]:
    rows = [
        (f"training, {each['rows']:,} rows", each["cpu_seconds"], each["bare_cpu_seconds"], "scikit-learn")
        for each in training.values()
    ]
    rows += [
        (f"expansion, {int(persons):,} persons", each["cpu_seconds"], each["bare_cpu_seconds"], "pandas")
        for persons, each in expansion.items()
    ]
    return [
        (name, f"{spent:.2f} CPU s", f"{bare:.2f} CPU s of {other} alone: {spent / bare:.2f} ×")
        for name, spent, bare, other in rows
    ]


def _real(shop: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (
            f"AUC, repeat buyers of 28 days of a real shop, {shop['held_out_rows']:,} held-out customer days",
            f"{shop['held_out_auc']:.3f}",
            f"best single feature {shop['best_feature_auc']:.3f}",
        ),
        (
            f"the same, mean of {shop['month_days']} days a month later",
            f"{shop['month_auc']:.3f}",
            f"{shop['base_rate']:.1%} of all buy again",
        ),
        *_precision(shop, "real shop"),
    ]
