"""Signals of what was judged: checks, freshness, challengers."""

from typing import Any

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from platform_assets.automation.alert_signals.graph import Graph, RunOf, partitions_of
from platform_assets.domain.alerts.log import ERROR, INFO, WARNING, digest_of
from platform_assets.domain.alerts.message import cut
from platform_assets.domain.alerts.next_steps import next_step
from platform_assets.domain.alerts.signals import Kind, Signal

METRIC_CHECKS = frozenset({"metric_holds"})
TOLD_OTHERWISE = frozenset({"gate_passed"})
"""Checks that say what a promotion's signal says."""


def check_signals(
    run_of: RunOf, run_id: str, verdict: dg.AssetCheckEvaluation, graph: Graph, same: dict[str, Any]
) -> list[Signal]:
    """A verdict; a warning and an error are topics of their own, so that what gets worse is told."""
    if verdict.check_name in TOLD_OTHERWISE:
        return []
    kind = Kind.METRIC if verdict.check_name in METRIC_CHECKS else Kind.CHECK
    failed = None if verdict.passed else WARNING if verdict.severity is dg.AssetCheckSeverity.WARN else ERROR
    run = run_of(run_id) if failed else None
    given = {
        **graph.about(verdict.asset_key),
        "kind": kind,
        "item": verdict.check_name,
        "what": cut(verdict.description or ("it failed" if failed else "it passed")),
        "partition": verdict.partition or (partitions_of(run) if run else ""),
        "next_step": next_step(kind, verdict.check_name),
    }
    topic = f"{kind.value}/{verdict.asset_key.to_user_string()}/{verdict.check_name}/{verdict.partition or ''}"
    return _by_severity(topic, failed, given | {"run_id": run_id if run else ""}, same)


def freshness_signals(change: FreshnessStateChange, graph: Graph, same: dict[str, Any]) -> list[Signal]:
    """An asset that is late, soon late, or fresh again, as the daemon tells when that changes."""
    known = {FreshnessState.PASS: None, FreshnessState.WARN: WARNING, FreshnessState.FAIL: ERROR}
    if change.new_state not in known:
        return []
    failed = known[change.new_state]
    late = {WARNING: "it will be late soon", ERROR: "it is late: nothing was materialised within its freshness policy"}
    given = {
        **graph.about(change.key),
        "kind": Kind.FRESHNESS,
        "what": late.get(failed or "", "it is fresh again"),
        "next_step": next_step(Kind.FRESHNESS),
    }
    return _by_severity(f"freshness/{change.key.to_user_string()}", failed, given, same)


def _by_severity(topic: str, failed: str | None, given: dict[str, Any], same: dict[str, Any]) -> list[Signal]:
    return [
        Signal(
            **given,
            topic=f"{topic}/{severity}",
            severity=severity,
            failing=failed == severity,
            signal_id=f"{same['signal_id']}-{severity}",
            at=same["at"],
        )
        for severity in (WARNING, ERROR)
    ]


def promotion_signals(entry: dg.EventLogEntry, graph: Graph, same: dict[str, Any]) -> list[Signal]:
    """The verdict on a challenger, as the materialisation of `<model>_champion` tells it."""
    made = entry.asset_materialization
    if made is None or "promoted" not in made.metadata:
        return []
    promoted = bool(made.metadata["promoted"].value)
    reason = str(made.metadata["reason"].value) if "reason" in made.metadata else ""
    told = "a challenger became champion" if promoted else "a challenger was refused"
    return [
        Signal(
            **same,
            **graph.about(made.asset_key),
            kind=Kind.PROMOTION,
            topic=f"promotion/{made.asset_key.to_user_string()}/{digest_of(promoted, reason)}",
            what=cut(f"{told}: {reason}" if reason else told),
            severity=INFO if promoted else WARNING,
            lasting=False,
            next_step=next_step(Kind.PROMOTION, refused=not promoted),
        )
    ]
