"""What goes wrong in Dagster becomes an alert, once, with all that is needed to act, and its end is told."""

import json
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._utils.error import SerializableErrorInfo

from platform_assets.automation.alert_signals.graph import Graph
from platform_assets.automation.alert_signals.reading import Cursor, signals_since
from platform_assets.definitions import build_definitions
from platform_assets.domain.alerts.next_steps import all_steps
from platform_assets.domain.errors import ConfigurationError
from platform_assets.trained_models.specs import all_specs
from platform_assets_tests.automation.alerting import Alerting, local_instance
from platform_assets_tests.stores import local_store
from resources.settings import Settings


@pytest.fixture
def alerting(tmp_path: Path) -> Iterator[Alerting]:
    with local_instance(tmp_path / "dagster") as instance:
        yield Alerting(instance, local_store(tmp_path))


def test_a_failing_check_is_told_with_all_that_is_needed_to_act(alerting: Alerting) -> None:
    result = alerting.run("sales", day="2026-01-06", share=0.6)
    (alert,) = alerting.tick()
    assert (alert.kind, alert.subject, alert.severity, alert.owner) == ("check", "sales", "error", "team:shop")
    assert alert.what == "quarantine_share: 60% of the rows were quarantined"
    assert alert.partitions == ("2026-01-06",)
    assert alert.link == "http://127.0.0.1:3000/assets/sales"
    assert "docs/runbooks/quarantine-grew.md" in alert.next_step
    assert alert.items[0].name == "quarantine_share"
    assert result.run_id in {event.run_id for event in alerting.outbox.events()}


def test_a_warning_that_becomes_an_error_is_told_again(alerting: Alerting) -> None:
    alerting.evaluate(0.2)
    assert [alert.severity for alert in alerting.tick()] == ["warning"]
    alerting.evaluate(0.6)
    alerting.tick()
    seen = [event for event in alerting.outbox.events() if event.event == "seen" and event.state == "failing"]
    assert [event.severity for event in seen] == ["warning", "error"]


def test_a_check_that_passes_says_nothing_and_writes_nothing(alerting: Alerting) -> None:
    alerting.evaluate(0.0)
    assert alerting.tick() == []
    assert not alerting.store.lakehouse.exists("alert_events")


def test_a_failed_run_is_told_with_the_error_and_its_step(alerting: Alerting) -> None:
    result = alerting.run("sales", day="2026-01-07", error="the till burnt down")
    (alert,) = alerting.tick()
    assert (alert.kind, alert.subject, alert.partitions) == ("run", "sales", ("2026-01-07",))
    assert "the till burnt down" in alert.what
    assert alert.link.endswith(f"/runs/{result.run_id}")
    assert alert.owner == "team:shop"


def test_a_failed_job_that_computes_no_asset_is_told_to_the_platforms_team(alerting: Alerting) -> None:
    @dg.op
    def sweep_the_floor() -> None:
        raise RuntimeError("no broom")

    @dg.job
    def cleaning() -> None:
        sweep_the_floor()

    cleaning.execute_in_process(instance=alerting.instance, raise_on_error=False)
    (alert,) = alerting.tick()
    assert (alert.subject, alert.owner, alert.what) == (
        "cleaning",
        "team:data-platform",
        "sweep_the_floor: RuntimeError: no broom",
    )


def test_a_later_run_of_the_same_partition_tells_recovery(alerting: Alerting) -> None:
    alerting.run("sales", day="2026-01-07", error="the till burnt down")
    alerting.tick()
    alerting.run("sales", day="2026-01-06")
    alerting.tick()
    passing = [event for event in alerting.outbox.events() if event.event == "seen" and event.state == "passing"]
    assert passing == []
    alerting.run("sales", day="2026-01-07")
    alerting.tick()
    passing = [event for event in alerting.outbox.events() if event.event == "seen" and event.state == "passing"]
    assert len(passing) == 1


def test_promotions_and_refusals_are_told_with_their_reason(alerting: Alerting) -> None:
    alerting.run("conversion_champion", promoted=True, reason="auc is better by 0.02")
    (promoted,) = alerting.tick()
    assert (promoted.kind, promoted.severity, promoted.owner) == ("promotion", "info", "team:models")
    assert promoted.what == "a challenger became champion: auc is better by 0.02"
    alerting.run("conversion_champion", promoted=False, reason="calibration is worse")
    alerting.tick()
    refused = [event for event in alerting.outbox.events() if event.event == "seen"][-1]
    assert (refused.severity, refused.next_step and "model-was-refused.md" in refused.next_step) == ("warning", True)


def test_late_assets_are_told_and_their_arrival_too(alerting: Alerting) -> None:
    for before, after in (("PASS", "FAIL"), ("FAIL", "PASS")):
        change = FreshnessStateChange(
            key=dg.AssetKey("sales"),
            previous_state=FreshnessState(before),
            new_state=FreshnessState(after),
            state_change_timestamp=time.time(),
        )
        alerting.instance._report_runless_asset_event(change)
        alerting.tick()
    (alert,) = alerting.raised()
    assert (alert.kind, alert.subject, alert.severity) == ("freshness", "sales", "error")
    assert [event.state for event in alerting.outbox.events() if event.event == "seen"] == ["failing", "passing"]


def test_models_targets_win_for_their_assets_only(tmp_path: Path) -> None:
    with local_instance(tmp_path / "dagster") as instance:
        alerting = Alerting(instance, local_store(tmp_path), targets={"conversion": ("shop_team",)})
        alerting.run("conversion_champion", promoted=True, reason="first")
        alerting.evaluate(0.6)
        found = {alert.subject: alert.targets for alert in alerting.tick()}
    assert found == {"conversion_champion": ("shop_team",), "sales": ("operators",)}


def test_a_tick_that_dies_before_its_cursor_is_kept_tells_nothing_twice_and_loses_nothing(alerting: Alerting) -> None:
    alerting.evaluate(0.6)
    (alert,) = alerting.tick(keep_cursor=False)
    assert alerting.tick() == []
    assert alerting.raised() == [alert]


def test_an_event_that_shows_late_with_a_smaller_id_is_found(alerting: Alerting) -> None:
    alerting.evaluate(0.6)
    cursor = Cursor(**json.loads(alerting.cursor or ""))
    now, graph = datetime.now(UTC), Graph("http://ui")
    read, moved = signals_since(alerting.instance, cursor, graph, now)
    again, _ = signals_since(alerting.instance, moved, graph, now)
    assert {signal.signal_id for signal in read} == {signal.signal_id for signal in again} != set()
    settled = replace(moved, seen_at=now.timestamp() - 61)
    _, settled = signals_since(alerting.instance, settled, graph, now)
    assert settled.event_id == moved.seen_id


def test_what_happened_before_alerts_began_is_nobodys_alert(tmp_path: Path) -> None:
    with local_instance(tmp_path / "dagster") as instance:
        first = Alerting(instance, local_store(tmp_path / "one"))
        first.evaluate(0.6)
        assert Alerting(instance, local_store(tmp_path / "two")).tick() == []
        assert len(first.tick()) == 1


def test_after_the_event_log_was_wiped_new_trouble_is_told(alerting: Alerting) -> None:
    for _ in range(3):
        alerting.evaluate(0.0)
    cursor = json.loads(alerting.cursor or "")
    alerting.cursor = json.dumps(cursor | {"event_id": 10_000, "seen_id": 10_000})
    alerting.evaluate(0.6)
    assert len(alerting.tick()) == 1


def test_more_events_than_a_tick_reads_are_read_by_the_next(alerting: Alerting) -> None:
    cursor, now, counts = Cursor(**json.loads(alerting.cursor or "")), datetime.now(UTC), []
    for number in range(8):
        alerting.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(asset_key=dg.AssetKey(f"asset_{number}"), check_name="c", passed=False, metadata={})
        )
    for _ in range(3):
        signals, cursor = signals_since(alerting.instance, cursor, Graph("http://ui"), now, most_events=3)
        counts.append(sum(signal.failing for signal in signals))
    assert counts == [3, 3, 2]


def test_a_thousand_failing_checks_in_one_tick_make_one_alert_of_their_asset(tmp_path: Path) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        alerting = Alerting(instance, local_store(tmp_path))
        for number in range(1_000):
            instance.report_runless_asset_event(
                dg.AssetCheckEvaluation(
                    asset_key=dg.AssetKey("sales"), check_name=f"check_{number}", passed=False, metadata={}
                )
            )
        (alert,) = alerting.tick()
        assert alert.count == 1_000
        assert alerting.tick() == []


def test_every_runbook_that_an_alert_names_is_there() -> None:
    named = {word for step in all_steps() for word in step.split() if word.endswith(".md")}
    assert named
    assert [name for name in sorted(named) if not Path(name).exists()] == []


def test_a_wrong_alerts_file_stops_the_definitions(tmp_path: Path) -> None:
    (tmp_path / "alerts.yaml").write_text("default_targets: [nobody]\n")
    with pytest.raises(ConfigurationError, match="no target is named nobody"):
        build_definitions(Settings(home=tmp_path, alerts_file=tmp_path / "alerts.yaml"))


def test_a_model_that_names_an_unknown_target_is_refused_with_its_name(tmp_path: Path) -> None:
    spec = replace(all_specs()[0], alerts=("shop_team",))
    with pytest.raises(ConfigurationError, match=f"model '{spec.name}'.*no alert target is named shop_team"):
        build_definitions(Settings(home=tmp_path), models=[spec])


def test_a_metric_below_its_threshold_is_told_as_such(alerting: Alerting) -> None:
    alerting.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey("conversion_validation"),
            check_name="metric_holds",
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="2 of the last 5 matured days are violated",
            metadata={},
        )
    )
    (alert,) = alerting.tick()
    assert (alert.kind, alert.severity, alert.what) == (
        "metric",
        "warning",
        "metric_holds: 2 of the last 5 matured days are violated",
    )


def test_the_sweeper_says_what_waits(alerting: Alerting) -> None:
    alerting.evaluate(0.6)
    alerting.tick()
    assert "1 to be tried again" in alerting.sweep()
    assert alerting.shown()["on_their_way"].value == 1
    assert alerting.shown()["alerts"].value.records[0].data["deliveries"] == "operators: pending"
    assert "1 on their way, 0 dead letters" in alerting.sweep()


def test_a_sensor_that_fails_is_told_with_its_error_and_its_recovery_too(alerting: Alerting) -> None:
    began = time.time()
    _tick(alerting.instance, TickStatus.FAILURE, began, error="the landing zone is away")
    (alert,) = alerting.tick()
    assert (alert.kind, alert.subject) == ("tick", "landed_files")
    assert "the landing zone is away" in alert.what
    _tick(alerting.instance, TickStatus.SKIPPED, began + 1)
    alerting.tick()
    assert [event.state for event in alerting.outbox.events() if event.event == "seen"] == ["failing", "passing"]


def _tick(instance: dg.DagsterInstance, status: TickStatus, at: float, error: str = "") -> None:
    """What the daemon keeps of a tick of the sensor `landed_files`."""
    location = InProcessCodeLocationOrigin(
        LoadableTargetOrigin(executable_path=sys.executable, module_name="m"), location_name="here"
    )
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), "landed_files")
    state = InstigatorState(
        origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData(min_interval=30)
    )
    if instance.get_instigator_state(state.instigator_origin_id, state.selector_id) is None:
        instance.add_instigator_state(state)
    told = SerializableErrorInfo(error, [], "LandingZoneAway") if error else None
    instance.create_tick(
        TickData(
            state.instigator_origin_id,
            "landed_files",
            InstigatorType.SENSOR,
            status,
            at,
            selector_id=state.selector_id,
            error=told,
        )
    )
