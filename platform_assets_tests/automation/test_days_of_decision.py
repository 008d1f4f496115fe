"""A day is decided on by itself when its models are judged: real ticks over a model's reports."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pytest

from platform_assets.automation.conditions import as_inputs_arrive, as_models_are_judged, in_service_checks
from platform_assets.partitions import daily, days_around, trailing_days
from platform_assets_tests.model_worlds import small_spec

SPEC = small_spec()
MATURITY = SPEC.label.maturity_days
FIRST = date(2026, 1, 1)
DAYS = daily(FIRST, FIRST + timedelta(days=19))
NOW = datetime(2026, 1, 21, 4, tzinfo=UTC)


class Reports:
    """Landing days, scores, drift and validation are materialised by hand; decisions by condition."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        just_matured = days_around(before=MATURITY, after=-MATURITY)
        tables = {
            "raw": [],
            SPEC.table("scores"): [],
            SPEC.table("drift"): [dg.AssetDep(SPEC.table("scores"))],
            SPEC.table("validation"): [dg.AssetDep(SPEC.table("scores"))],
            "decisions": [
                dg.AssetDep("raw"),
                dg.AssetDep(SPEC.table("drift")),
                dg.AssetDep(SPEC.table("validation"), partition_mapping=just_matured),
                dg.AssetDep("decisions", partition_mapping=trailing_days(60)),
            ],
        }
        champion = dg.AssetSpec(SPEC.table("champion"))
        conditions = {"decisions": as_models_are_judged([SPEC]), SPEC.table("drift"): as_inputs_arrive()}
        specs = [
            dg.AssetSpec(name, deps=deps, partitions_def=DAYS, automation_condition=conditions.get(name))
            for name, deps in tables.items()
        ]
        self.assets = [self.executable(spec) for spec in [*specs, champion]]

    @staticmethod
    def executable(spec: dg.AssetSpec) -> dg.AssetsDefinition:
        @dg.multi_asset(specs=[spec], name=spec.key.path[-1])
        def compute() -> None:
            pass

        return compute

    def there(self, table: str, *numbers: int) -> None:
        for number in numbers:
            day = str(FIRST + timedelta(days=number))
            self.instance.report_runless_asset_event(dg.AssetMaterialization(table, partition=day))

    def in_service(self, passed: bool) -> None:
        gate, _ = in_service_checks(SPEC.name)
        evaluation = dg.AssetCheckEvaluation(check_name=gate.name, asset_key=gate.asset_key, passed=passed, metadata={})
        self.instance.report_runless_asset_event(evaluation)

    def asked(self) -> list[int]:
        """The days, by number, on which a decision is asked for."""
        result = dg.evaluate_automation_conditions(self.assets, self.instance, evaluation_time=NOW)
        keys = result.get_requested_partitions(dg.AssetKey("decisions"))
        return sorted((date.fromisoformat(str(key)) - FIRST).days for key in keys)


@pytest.fixture
def reports() -> Iterator[Reports]:
    with dg.DagsterInstance.ephemeral() as instance:
        made = Reports(instance)
        made.there("raw", *range(19))
        made.there("decisions", *range(19))
        yield made


def test_a_model_that_is_not_in_service_yet_is_decided_on_without_reports(reports: Reports) -> None:
    reports.there("raw", 19)
    assert reports.asked() == [19], "before the gate ever judged"
    reports.in_service(False)
    assert reports.asked() == [19]


def test_a_day_waits_for_its_landing_day(reports: Reports) -> None:
    assert reports.asked() == []


def test_a_model_in_service_is_waited_for_until_its_drift_is_there(reports: Reports) -> None:
    reports.there("raw", 19)
    reports.in_service(True)
    assert reports.asked() == []
    reports.there(SPEC.table("drift"), 19)
    assert reports.asked() == [19]


def test_a_scored_day_that_just_matured_is_validated_before_the_decision(reports: Reports) -> None:
    reports.there("raw", 19)
    reports.in_service(True)
    reports.there(SPEC.table("drift"), 19)
    reports.there(SPEC.table("scores"), 19 - MATURITY)
    assert reports.asked() == []
    reports.there(SPEC.table("validation"), 19 - MATURITY)
    assert reports.asked() == [19]
