"""Collects what is known about a model on each day of a run: from its tables, the registry, and the runs of Dagster.

All days of a run share what is read. What follows from it is decided in `platform_assets.domain.retraining`.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

import dagster as dg

from platform_assets.automation.retrain_runs import failed_attempts
from platform_assets.domain.contracts.retrain_requests import RETRAIN_REQUESTS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.retraining.decision import Decision
from platform_assets.domain.retraining.evidence import Evidence, KnownVersion, ObservedDay, Request
from platform_assets.domain.retraining.observed_days import drifted_days, matured_days, new_positives
from platform_assets.partitions import day_keys, run_days
from platform_assets.validation_reports.retrain_requests import requests_in
from resources.lakehouse.io_manager import DeltaIOManager
from resources.model_registry.model_version import ModelVersion

if TYPE_CHECKING:
    import pandas as pd

    from platform_assets.domain.promotion.decision import Decision as Promotion
    from resources.model_registry.registry import ModelRegistry

WATCHED_DAYS = 28
"""So many days back the last looks at a champion are searched for."""


class ModelHistory:
    """What the registry knows of a model, as of the days of the past: what was trained later is left out."""

    def __init__(self, registry: "ModelRegistry", spec: ModelSpec) -> None:
        self._registry, self._spec = registry, spec
        trained = sorted(registry.versions(spec.name), key=lambda each: (each.training_date, each.version))
        self._trained = {each.version: each for each in trained}
        self._decisions = registry.decisions(spec.name)
        self._tags = cache(registry.tags)
        self.reached = cache(self._reached)

    def challenger(self, day: date) -> KnownVersion | None:
        """The version that was trained last before a day."""
        earlier = [each for each in self._trained.values() if each.training_date < day]
        return self._known(earlier[-1]) if earlier else None

    def champion(self, day: date) -> KnownVersion | None:
        """The version that the last decision on versions trained before a day made champion."""
        made = [each.version for each in self._before(day) if each.makes_champion]
        return self._known(self._trained[made[-1]]) if made else None

    def settled_until(self, day: date) -> date | None:
        """The last training date before a day whose version was judged."""
        return max((each.training_date for each in self._before(day)), default=None)

    def _before(self, day: date) -> Sequence["Promotion"]:
        return [each for each in self._decisions if each.training_date < day]

    def _known(self, version: ModelVersion) -> KnownVersion:
        tags = self._tags(version)
        code = tags.get("code_version")
        return KnownVersion(
            version.version, version.training_date, tags.get("spec_fingerprint"), code and code_only(code)
        )

    def _reached(self, version: int) -> float:
        """The spec's metric on a version's own holdout; NaN, which no day violates, where nobody measured it."""
        return self._registry.metrics(self._trained[version]).get(f"holdout_{self._spec.metric}", float("nan"))


@dataclass(frozen=True)
class ModelEvidence:
    """The evidence on one model over the days of a run."""

    spec: ModelSpec
    history: ModelHistory
    instance: dg.DagsterInstance
    landed_until: date | None
    first_feature_date: date | None
    code: str
    validation: "pd.DataFrame | None"
    drift: "pd.DataFrame | None"
    requests: Sequence[Request]

    @classmethod
    def of_run(
        cls,
        spec: ModelSpec,
        context: dg.AssetExecutionContext,
        lakehouse: DeltaIOManager,
        registry: "ModelRegistry",
        landed_until: date | None,
        code: str,
    ) -> "ModelEvidence":
        """Read what the days of a run need. Raises RegistryUnavailable where the registry doesn't answer."""
        first, last = run_days(context)
        lag, counts_labels = spec.label.maturity_days, spec.retraining.new_labels is not None
        watched = day_keys(first - timedelta(days=WATCHED_DAYS), last)
        matured = day_keys(first - timedelta(days=WATCHED_DAYS + lag), last - timedelta(days=lag))

        def rows(table: str, days: Sequence[str] | None) -> "pd.DataFrame | None":
            found = lakehouse.read_beside_inputs(context, table, days)
            return None if found is None else found.to_pandas()

        asked = lakehouse.read_beside_inputs(context, RETRAIN_REQUESTS.name, None)
        return cls(
            spec=spec,
            history=ModelHistory(registry, spec),
            instance=context.instance,
            landed_until=landed_until,
            first_feature_date=_first_day(lakehouse, spec.feature_table),
            code=code_only(code),
            validation=rows(spec.table("validation"), None if counts_labels else matured),
            drift=rows(spec.table("drift"), watched),
            requests=requests_in(asked.to_pyarrow().to_pylist() if asked is not None else [], spec.name),
        )

    def on(self, day: date, previous: Decision | None) -> Evidence:
        """What is known when landing day `day` is decided on, after the previous decision."""
        history, spec = self.history, self.spec
        challenger, champion, settled = history.challenger(day), history.champion(day), history.settled_until(day)
        drifted, columns = self._drifted(champion, day)
        decided = previous.decided_date if previous else None
        unsettled = decided is not None and (settled is None or settled < decided)
        return Evidence(
            decision_date=day,
            landed_until=self.landed_until,
            first_feature_date=self.first_feature_date,
            declared_by=spec.training_fingerprint,
            made_by=self.code,
            challenger=challenger,
            champion=champion,
            settled_until=settled,
            failed_attempts=failed_attempts(self.instance, spec.name, decided) if decided and unsettled else 0,
            matured=self._matured(champion, day),
            drifted=drifted,
            drifted_columns=columns,
            new_positives=self._new_positives(challenger, day),
            request=self._request(day, previous),
            previous=previous,
        )

    def _matured(self, champion: KnownVersion | None, day: date) -> Sequence[ObservedDay]:
        if champion is None or self.validation is None:
            return ()
        return _until(self._validated(champion.version), day)

    @cached_property
    def _validated(self) -> Callable[[int], list[ObservedDay]]:
        return cache(lambda version: matured_days(self.validation, version, self.history.reached(version), self.spec))

    def _drifted(self, champion: KnownVersion | None, day: date) -> tuple[Sequence[ObservedDay], Sequence[str]]:
        if champion is None:
            return (), ()
        days, columns = self._compared(champion.version)
        known = _until(days, day)
        return known, columns.get(known[-1].known_at, ()) if known else ()

    @cached_property
    def _compared(self) -> Callable[[int], tuple[list[ObservedDay], dict[date, list[str]]]]:
        return cache(lambda version: drifted_days(self.drift, version, self.spec))

    def _new_positives(self, challenger: KnownVersion | None, day: date) -> int | None:
        label, needed = self.spec.label, self.spec.retraining.new_labels
        if challenger is None or needed is None:
            return None
        return new_positives(self.validation, label.last_mature(challenger.training_date), label.last_mature(day))

    def _request(self, day: date, previous: Decision | None) -> Request | None:
        taken = previous.request_date if previous else None
        fresh = (each for each in self.requests if each.decision_date <= day)
        return next((each for each in fresh if taken is None or each.decision_date > taken), None)


def code_only(code_version: str) -> str:
    """What a code version says of the code, without what the spec declares: that has a digest of its own."""
    return code_version.partition("-")[0]


def _until(days: Sequence[ObservedDay], day: date) -> Sequence[ObservedDay]:
    """The days that are known on a day; they are known in their order."""
    return days[: bisect_right(days, day, key=lambda each: each.known_at)]


def _first_day(lakehouse: DeltaIOManager, table: str) -> date | None:
    if not lakehouse.inputs.exists(table):
        return None
    filled = [value for value in lakehouse.inputs.snapshot(table).rows_by_slice() if value]
    return date.fromisoformat(min(filled)) if filled else None
