"""The sensors `alerts` and `alert_sweeper`: what happened is written down and told, apart from one another.

A receiver that is away holds up the sweeper only. What happened is written to the outbox before the cursor moves on, so
that a crash between the two makes it read again, not lost. What is told stands in `domain.alerts`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import dagster as dg

from platform_assets.automation.alert_signals.graph import Graph
from platform_assets.automation.alert_signals.reading import Cursor, newest_event, signals_since
from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.deliveries import deliveries, outbox_health
from platform_assets.domain.alerts.log import RAISED, AlertLog
from platform_assets.domain.alerts.message import Message, label, subject
from platform_assets.domain.alerts.raising import rows_to_record
from platform_assets.domain.alerts.targets import Recipients
from platform_assets.domain.contracts.alert_events import ALERT_EVENTS
from resources.lakehouse.io_manager import DeltaIOManager
from resources.notifications.outbox import Outbox, Remembered
from resources.notifications.sweep import Swept, sweep

TICK_SECONDS = 30
SHOWN = 20
"""So many alerts are shown in the UI."""


def alert_sensors(
    recipients: Recipients, ui_url: str, targets: Mapping[str, tuple[str, ...]]
) -> list[dg.SensorDefinition]:
    """Both sensors. `targets` are those that models name (`ModelSpec.alerts`), by the model's name."""
    remembered = Remembered()
    champions = [f"{model}_champion" for model in targets]

    def outbox_of(lakehouse: DeltaIOManager) -> Outbox:
        return Outbox(lakehouse.lakehouse, lakehouse.staging_folder, remembered)

    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Raises alerts for failing checks, late assets, failed runs and ticks, and promotions; tells when "
        "all is well again.",
    )
    def alerts(context: dg.SensorEvaluationContext, lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.SensorResult:
        now = datetime.now(UTC)
        graph = Graph(ui_url, _owners(context), targets, champions)
        cursor = Cursor.read(context.cursor, now, newest_event(context.instance))
        signals, reached = signals_since(context.instance, cursor, graph, now)
        instant = now.replace(tzinfo=None)
        outbox = outbox_of(lakehouse)
        rows = outbox.update(lambda log: rows_to_record(log, signals, instant, recipients.route))
        raised = [Alert.from_event(row) for row in rows if row.event == RAISED]
        for alert in raised:
            context.log.info(subject(Message((alert,), "")))
        told = f"{len(raised)} alerts raised" if raised else "nothing new to tell"
        shown = [alerts_shown(outbox.events())] if raised else []
        return dg.SensorResult(cursor=reached.written(), skip_reason=dg.SkipReason(told), asset_events=shown)

    @dg.sensor(
        name="alert_sweeper",
        minimum_interval_seconds=TICK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Delivers alerts to their targets, tries again what failed, and gives up after many attempts.",
    )
    def alert_sweeper(lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.SensorResult:
        outbox = outbox_of(lakehouse)
        swept = sweep(outbox, recipients)
        health = outbox_health(outbox.events())
        told = f"{swept}; {health.pending} on their way, {health.dead} dead letters"
        shown = [alerts_shown(outbox.events())] if swept != Swept() else []
        return dg.SensorResult(skip_reason=dg.SkipReason(told), asset_events=shown)

    return [alerts, alert_sweeper]


def alerts_shown(events: AlertLog) -> dg.AssetMaterialization:
    """The newest alerts and how the outbox stands, for the UI's page of `alert_events`."""
    health, found = outbox_health(events), deliveries(events)
    newest = [Alert.from_event(event) for event in events if event.event == RAISED][-SHOWN:]
    columns = ("raised_at", "severity", "subject", "partition", "what", "next_step", "deliveries")
    records = [
        dg.TableRecord(
            {
                "raised_at": f"{alert.raised_at:%Y-%m-%d %H:%M}",
                "severity": label(alert),
                "subject": alert.subject,
                "partition": ", ".join(alert.partitions),
                "what": alert.what,
                "next_step": alert.next_step,
                "deliveries": ", ".join(f"{name}: {found[alert.alert_id, name].state}" for name in alert.targets)
                or "for nobody",
            }
        )
        for alert in reversed(newest)
    ]
    schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
    return dg.AssetMaterialization(
        asset_key=ALERT_EVENTS.name,
        description=ALERT_EVENTS.description,
        metadata={
            "alerts": dg.MetadataValue.table(records, schema=schema),
            "on_their_way": health.pending,
            "dead_letters": health.dead,
            "for_nobody": health.unaddressed,
        },
    )


def _owners(context: dg.SensorEvaluationContext):  # type: ignore[no-untyped-def]
    """From an asset's key to its owner, as the graph says."""
    graph = context.repository_def.asset_graph if context.repository_def else None

    def owner_of(key: dg.AssetKey) -> str:
        owners = graph.get(key).owners if graph and graph.has(key) else []
        return ", ".join(owners)

    return owner_of
