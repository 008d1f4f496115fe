"""A small graph that fails on command, and the sensors `alerts` and `alert_sweeper` ticked as the daemon does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from platform_assets.automation.alerts import alert_sensors
from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.log import RAISED
from platform_assets.domain.alerts.targets import Recipients, WebhookTarget
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.notifications.outbox import Outbox

OPERATORS = Recipients({"operators": WebhookTarget("operators", "https://127.0.0.1:9/never")}, ("operators",))
DAYS = dg.DailyPartitionsDefinition("2026-01-05", end_date="2026-01-10")


class Broken(Exception):
    """What an asset dies of on command."""


@dataclass
class Alerting:
    """The graph, what it is told to do (`orders`), and its outbox."""

    instance: dg.DagsterInstance
    store: Store
    recipients: Recipients = OPERATORS
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    orders: dict[str, Any] = field(default_factory=dict)
    cursor: str | None = None
    definitions: dg.Definitions = field(init=False)
    _events: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        orders = self.orders

        @dg.asset(owners=["team:shop"], partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
        def sales() -> None:
            if "error" in orders:
                raise Broken(orders["error"])

        @dg.asset_check(asset="sales", name="quarantine_share")
        def quarantine_share() -> dg.AssetCheckResult:
            share = orders.get("share", 0)
            return dg.AssetCheckResult(
                passed=share < 0.1,
                severity=dg.AssetCheckSeverity.WARN if share < 0.5 else dg.AssetCheckSeverity.ERROR,
                description=f"{share:.0%} of the rows were quarantined",
            )

        @dg.asset(owners=["team:models"])
        def conversion_champion() -> dg.MaterializeResult:
            return dg.MaterializeResult(metadata={"promoted": orders["promoted"], "reason": orders["reason"]})

        self.definitions = dg.Definitions(
            assets=[sales, conversion_champion],
            asset_checks=[quarantine_share],
            sensors=alert_sensors(self.recipients, "http://127.0.0.1:3000", {"conversion": (), **self.targets}),
            resources={
                "lakehouse": DeltaIOManager(
                    self.store.lakehouse, DuckDBEngine(spill_folder=self.store.staging), self.store.staging
                )
            },
            executor=dg.in_process_executor,
        )
        self.tick()

    def tick(self, *, keep_cursor: bool = True) -> list[Alert]:
        """One tick of `alerts`; gives what it raised. Without `keep_cursor` it dies before Dagster keeps its cursor."""
        before = {alert.alert_id for alert in self.raised()}
        definition = self.definitions.resolve_sensor_def("alerts")
        with self._context("alerts", cursor=self.cursor) as context:
            data = definition.evaluate_tick(context)
        self._events += data.asset_events
        if keep_cursor:
            self.cursor = data.cursor
        return [alert for alert in self.raised() if alert.alert_id not in before]

    def sweep(self) -> str:
        """One tick of `alert_sweeper`; gives what it says."""
        with self._context("alert_sweeper") as context:
            data = self.definitions.resolve_sensor_def("alert_sweeper").evaluate_tick(context)
        self._events += data.asset_events
        return data.skip_message or ""

    def shown(self) -> Mapping[str, Any]:
        """What the UI shows of `alert_events`."""
        return self._events[-1].metadata

    def run(self, *assets: str, day: str = "2026-01-05", **orders: Any) -> dg.ExecuteInProcessResult:
        """Materialise assets, with these orders."""
        self.orders.clear()
        self.orders.update(orders)
        return self.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            tags={"dagster/partition": day} if assets == ("sales",) else {},
            raise_on_error=False,
        )

    def evaluate(self, share: float) -> None:
        """Report a verdict of the check as an outside process does, without a run."""
        self.instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("sales"),
                check_name="quarantine_share",
                passed=share < 0.1,
                severity=dg.AssetCheckSeverity.WARN if share < 0.5 else dg.AssetCheckSeverity.ERROR,
                metadata={},
            )
        )

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.store.lakehouse, self.store.staging)

    def raised(self) -> list[Alert]:
        return [Alert.from_event(event) for event in self.outbox.events() if event.event == RAISED]

    def _context(self, sensor: str, cursor: str | None = None) -> dg.SensorEvaluationContext:
        return dg.build_sensor_context(
            instance=self.instance,
            cursor=cursor,
            definitions=self.definitions,
            sensor_name=sensor,
            resources={"lakehouse": (self.definitions.resources or {})["lakehouse"]},
        )


def local_instance(folder: Path) -> dg.DagsterInstance:
    """An instance on disk, whose event log is cut by run as the platform's own is."""
    folder.mkdir(parents=True, exist_ok=True)
    return dg.DagsterInstance.local_temp(str(folder), overrides={"telemetry": {"enabled": False}})


def hours_ago(hours: float) -> datetime:
    return datetime.now(UTC) - timedelta(hours=hours)
