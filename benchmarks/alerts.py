"""What alerts cost: a tick of each sensor that has nothing to do, over a small and a large log."""

import shutil
import time
from datetime import datetime
from pathlib import Path
from statistics import median

import dagster as dg

from benchmarks.report import Section
from platform_assets.definitions import build_definitions
from platform_assets.domain.alerts.deliveries import deliveries
from platform_assets.domain.alerts.log import DELIVERED
from platform_assets.domain.alerts.raising import rows_to_record
from platform_assets.domain.alerts.signals import Kind, Signal
from resources.lakehouse.tables import Lakehouse
from resources.notifications.outbox import Outbox
from resources.settings import Settings

SIZES = (0, 1_000, 10_000)
TICKS = 15
EVALUATIONS = 100
BEGAN = datetime(2026, 1, 5)
METHOD = f"""\
The whole platform's definitions, an instance on disk with {EVALUATIONS} evaluations of checks, and an outbox
that holds so many alerts, each delivered. A tick of `alerts` and one of `alert_sweeper` with nothing to do, by the
processor and by the clock (medians of {TICKS}); and the first tick of `alerts`, which reads the whole log."""


def measure(scratch: Path) -> Section:
    """Tick over outboxes of several sizes."""
    rows, figures = [], {}
    for size in SIZES:
        home = scratch / f"alerts-{size}"
        shutil.rmtree(home, ignore_errors=True)
        settings = Settings(home=home)
        (home / "dagster").mkdir(parents=True)
        with dg.DagsterInstance.local_temp(str(home / "dagster")) as instance:
            _fill(Outbox(Lakehouse(settings.lake_root), settings.staging_folder), size)
            _evaluate(instance)
            found = _ticks(settings, instance)
        figures[str(size)] = found
        rows.append((f"{size:,}", *(f"{found[name] * 1000:,.0f} ms" for name in found)))
        shutil.rmtree(home)
    header = (
        "alerts in the log",
        "first tick, CPU",
        "`alerts`, CPU",
        "clock",
        "`alert_sweeper`, CPU",
        "clock",
    )
    return Section(
        title="Alerts: ticks with nothing to do",
        command="python -m benchmarks alerts",
        method=METHOD,
        header=header,
        rows=rows,
        figures=figures,
    )


def _ticks(settings: Settings, instance: dg.DagsterInstance) -> dict[str, float]:
    definitions, cursor = build_definitions(settings), [None]

    def tick(name: str) -> None:
        needed = {"lakehouse": (definitions.resources or {})["lakehouse"]}
        sensor = definitions.resolve_sensor_def(name)
        with dg.build_sensor_context(
            instance=instance, definitions=definitions, sensor_name=name, resources=needed, cursor=cursor[0]
        ) as context:
            began = time.process_time(), time.perf_counter()
            data = sensor.evaluate_tick(context)
            taken.append((time.process_time() - began[0], time.perf_counter() - began[1]))
        if name == "alerts":
            cursor[0] = data.cursor  # type: ignore[call-overload]

    found: dict[str, float] = {}
    taken: list[tuple[float, float]] = []
    tick("alerts")
    found["first tick, CPU"] = taken[0][0]
    for name in ("alerts", "alert_sweeper"):
        taken.clear()
        for _ in range(TICKS):
            tick(name)
        found |= {f"{name}, CPU": median(each[0] for each in taken), f"{name}, clock": median(t[1] for t in taken)}
    return found


def _fill(outbox: Outbox, size: int) -> None:
    """So many alerts of as many assets, raised and delivered at once."""
    signals = [
        Signal(signal_id=str(n), kind=Kind.CHECK, subject=f"asset_{n}", topic=str(n), what="12 % failed", at=BEGAN)
        for n in range(size)
    ]
    outbox.update(lambda log: rows_to_record(log, signals, BEGAN, lambda *who: ("operators",)))
    outbox.update(lambda log: [each.event(DELIVERED, BEGAN) for each in deliveries(log).values()])


def _evaluate(instance: dg.DagsterInstance) -> None:
    for number in range(EVALUATIONS):
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("events"), check_name=f"check_{number}", passed=True, metadata={}
            )
        )
