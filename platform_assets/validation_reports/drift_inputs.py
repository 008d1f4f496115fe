"""What a run's days are compared by: features, scores and labels of the days and of their references.

Every table is read at one version for the whole run. What isn't there is named, with why, and never replaced.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache

import dagster as dg
import ibis
from ibis import _

from platform_assets.domain.contracts.user_ids import USER_IDS
from platform_assets.domain.drift.comparison import FEATURE, LABEL, LAST_WEEK, SCORE, TRAINING, Pair, Volume
from platform_assets.domain.drift.day import DriftOfDay
from platform_assets.domain.drift.distribution import Sample
from platform_assets.domain.drift.reference_days import days_like
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.feature_rows import feature_rows
from platform_assets.domain.modelling.training_set import labelled
from platform_assets.validation_reports.drift_training import TrainingReference
from resources.lakehouse.io_manager import DeltaIOManager, never_published
from resources.model_registry.model_version import ModelVersion
from resources.model_registry.registry import ModelRegistry

WEEK = timedelta(days=7)
HISTORY = timedelta(days=28)
"""Volume is shown for so long before a day."""

Found = Sample | str
"""What is to be compared, or why it isn't there."""


class DriftInputs:
    """Reads for the days `first` … `last` of one run; `landed_until` is the last complete landing day.

    A day is told for the version that scored it, one without scores for the champion.
    """

    def __init__(
        self,
        context: dg.AssetExecutionContext,
        lakehouse: DeltaIOManager,
        registry: ModelRegistry,
        spec: ModelSpec,
        days: tuple[date, date],
        landed_until: date | None,
    ) -> None:
        self.spec, self.registry, self.landed_until = spec, registry, landed_until
        self._context, self._lakehouse = context, lakehouse
        self.days = _between(*days)
        self._scores = self._read(spec.table("scores"), _between(days[0] - WEEK, days[1]))
        self._scored_by = self._versions_of_scores()
        self._versions = self._versions_of_days()
        self._training_sets = self._read_training_sets()
        self._features = self._read_features()
        self._rows_by_day = self._count_rows()
        self._label_counts = self._count_labels()
        self._features_of, self._scores_of = lru_cache(9)(self._features_on), lru_cache(9)(self._scores_on)
        self._training, self._trained = lru_cache(1)(self._training_of), lru_cache(21)(self._sample_of_training)

    @property
    def version_read(self) -> ModelVersion | None:
        """The version that days without scores are told for, else that of the newest day."""
        unscored = [day for day in self.days if day not in self._scored_by]
        return self._versions[(unscored or self.days)[-1]]

    def drift(self) -> Iterator[DriftOfDay]:
        """What is compared on every day, oldest first."""
        for day in self.days:
            version, pairs, absent = self._versions[day], [], []
            for reference, kind, today, before in self._sides(day):
                if isinstance(today, Sample) and isinstance(before, Sample):
                    pairs.append(Pair(reference, kind, today, before))
                else:
                    absent.append(f"{kind}s against {reference}: {before if isinstance(today, Sample) else today}")
            yield DriftOfDay(
                day=day,
                model_version=version.version if version else None,
                version=f"{version}, trained as of {version.training_date}" if version else "none is champion",
                pairs=pairs,
                volumes=list(self._volumes(day)),
                absent=absent,
                rows_by_day={each: rows for each, rows in self._rows_by_day.items() if day - HISTORY <= each <= day},
                policy=self.spec.drift,
            )

    def _sides(self, day: date) -> Iterator[tuple[str, str, Found, Found]]:
        """Reference, kind, the day and the reference of every comparison of a day."""
        matured, week_before, version = self._matured_when(day), day - WEEK, self._versions[day]
        features, scores, labels = self._features_of(day), self._scores_of(day), self._labels_on(matured)
        yield TRAINING, FEATURE, features, self._trained(version, FEATURE, day.weekday())
        yield TRAINING, SCORE, scores, self._trained(version, SCORE, day.weekday())
        yield TRAINING, LABEL, labels, self._trained(version, LABEL, matured.weekday())
        yield LAST_WEEK, FEATURE, features, self._features_of(week_before)
        yield LAST_WEEK, SCORE, scores, self._scores_of(week_before, version)
        yield LAST_WEEK, LABEL, labels, self._labels_on(matured - WEEK)

    def _volumes(self, day: date) -> Iterator[Volume]:
        training, counted = self._training(self._versions[day]), self._rows_by_day
        learnt = [] if isinstance(training, str) else [each for each in training.days if each in counted]
        for reference, days in ((TRAINING, days_like(day.weekday(), learnt)), (LAST_WEEK, (day - WEEK,))):
            before = tuple(counted[each] for each in days if counted.get(each))
            if day in counted and before:
                yield Volume(reference, self.spec.feature_table, day, counted[day], before)

    def _read(self, table: str, days: Sequence[date]) -> ibis.Table | None:
        return self._lakehouse.read_beside_inputs(self._context, table, [each.isoformat() for each in days])

    def _versions_of_scores(self) -> dict[date, int]:
        """Who scored which day."""
        if self._scores is None:
            return {}
        scored = self._scores.group_by("event_date").aggregate(model_version=_.model_version.max())
        return {row["event_date"]: row["model_version"] for row in scored.to_pyarrow().to_pylist()}

    def _versions_of_days(self) -> dict[date, ModelVersion | None]:
        name, numbers = self.spec.name, {self._scored_by[day] for day in self.days if day in self._scored_by}
        known = {number: self.registry.version(name, number) for number in sorted(numbers)}
        champion = self.registry.champion(name) if any(day not in self._scored_by for day in self.days) else None
        return {day: known[self._scored_by[day]] if day in self._scored_by else champion for day in self.days}

    def _read_training_sets(self) -> ibis.Table | None:
        dates = sorted({version.training_date for version in self._versions.values() if version})
        return self._read(self.spec.table("training_set"), dates) if dates else None

    def _training_of(self, version: ModelVersion | None) -> TrainingReference | str:
        if version is None:
            return "no version is champion"
        rows = self._training_sets
        if rows is not None:
            learnt = rows.filter(rows.training_date == ibis.literal(version.training_date)).to_pyarrow()
            if learnt.num_rows:
                return TrainingReference(learnt, version, self.spec, self.registry)
        return f"{self.spec.table('training_set')} has no rows of {version.training_date}"

    def _sample_of_training(self, version: ModelVersion | None, kind: str, weekday: int) -> Found:
        training = self._training(version)
        return training if isinstance(training, str) else training.sample(kind, weekday)

    def _read_features(self) -> ibis.Table | None:
        """The rows of all days that are looked at, or counted."""
        first, last = self.days[0], self.days[-1]
        days = {*_between(first - HISTORY, last), *self._label_days()}
        if self._training_sets is not None:
            learnt = self._training_sets.select("feature_date").distinct().to_pyarrow()
            days |= set(learnt["feature_date"].to_pylist())
        tables = {each.table: self._read(each.table, sorted(days)) for each in self.spec.features}
        found = {name: table for name, table in tables.items() if table is not None}
        return feature_rows(found, self.spec) if len(found) == len(tables) else None

    def _label_days(self) -> list[date]:
        """The days whose labels are looked at: those that mature, and a week before each."""
        matured = [self._matured_when(day) for day in self.days]
        return sorted({*matured, *(day - WEEK for day in matured)})

    def _matured_when(self, day: date) -> date:
        """The last day whose labels are final when a day begins: the landing day before it is complete then."""
        return self.spec.label.last_mature(day - timedelta(days=1))

    def _count_rows(self) -> dict[date, int]:
        """Rows of the days that were published; 0 of those of the run that were published without rows."""
        if self._features is None:
            return {}
        counts = self._features.group_by("feature_date").aggregate(rows=_.count()).order_by("feature_date")
        counted = {row["feature_date"]: row["rows"] for row in counts.to_pyarrow().to_pylist()}
        keys = [day.isoformat() for day in self.days if day not in counted]
        snapshot = self._lakehouse.inputs.snapshot(self.spec.feature_table)
        without = set(keys) - set(never_published(self._lakehouse.inputs, snapshot, keys))
        return dict(sorted((counted | {date.fromisoformat(key): 0 for key in without}).items()))

    def _count_labels(self) -> dict[date, tuple[int, int]]:
        """Rows and positive labels of the days whose labels are looked at."""
        days, label = self._label_days(), self.spec.label
        seen = _between(days[0], days[-1] + timedelta(days=label.horizon_days - 1))
        source, user_ids = self._read(label.source_table, seen), self._read(USER_IDS.name, seen)
        if self._features is None or source is None or user_ids is None:
            return {}
        keys = self._features.filter(_.feature_date.isin(days)).select("feature_date", self.spec.entity)
        came_true = labelled(keys, source, user_ids, label, entity=self.spec.entity, day="feature_date")
        counts = came_true.group_by("feature_date").aggregate(rows=_.count(), positives=_.label.sum().cast("int64"))
        return {row["feature_date"]: (row["rows"], row["positives"]) for row in counts.to_pyarrow().to_pylist()}

    def _features_on(self, day: date) -> Found:
        if self._features is None or day not in self._rows_by_day:
            return f"{self.spec.feature_table} has no rows of {day}"
        rows = self._features.filter(_.feature_date == ibis.literal(day)).select(*self.spec.feature_names)
        return Sample.of_day(rows.to_pyarrow(), day)

    def _scores_on(self, day: date, by: ModelVersion | None = None) -> Found:
        number = self._scored_by.get(day)
        if self._scores is None or number is None:
            return f"{self.spec.table('scores')} has no rows of {day}"
        if by is not None and by.version != number:
            return f"version {number} scored {day}"
        return Sample.of_day(self._scores.filter(_.event_date == ibis.literal(day)).select("score").to_pyarrow(), day)

    def _labels_on(self, day: date) -> Found:
        matures = self.spec.label.mature_at(day)
        if self.landed_until is None or self.landed_until < matures:
            return f"labels of {day} wait for landing day {matures}"
        if day not in self._label_counts:
            return f"{self.spec.feature_table} or {self.spec.label.source_table} has no rows of {day}"
        rows, positives = self._label_counts[day]
        return Sample.of_labels(rows, positives, day)


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
