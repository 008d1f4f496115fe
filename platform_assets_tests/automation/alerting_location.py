"""A code location whose one asset fails its check, with the alert sensors; ALERTS_HOME says where all lies."""

import os
from pathlib import Path

import dagster as dg

from platform_assets.automation.alerts import alert_sensors
from platform_assets.domain.alerts.targets import Recipients, WebhookTarget
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.tables import Lakehouse

HOME = Path(os.environ["ALERTS_HOME"])
RECIPIENTS = Recipients({"operators": WebhookTarget("operators", "{env:ALERTS_URL}")}, ("operators",))


@dg.asset(owners=["team:shop"])
def sales() -> None:
    """Sales, some of them bad."""


@dg.asset_check(asset=sales)
def quarantine_share() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="60 % of the rows were quarantined")


defs = dg.Definitions(
    assets=[sales],
    asset_checks=[quarantine_share],
    sensors=alert_sensors(RECIPIENTS, "http://127.0.0.1:3000", {}),
    resources={
        "lakehouse": DeltaIOManager(
            Lakehouse(str(HOME / "lake")), DuckDBEngine(spill_folder=HOME / "spill"), HOME / "staging"
        )
    },
    executor=dg.in_process_executor,
)
