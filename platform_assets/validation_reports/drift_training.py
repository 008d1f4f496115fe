"""What a version learnt from, as the reference of drift: features, labels, and its scores of the days held out."""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.domain.drift.comparison import LABEL, SCORE
from platform_assets.domain.drift.distribution import Sample
from platform_assets.domain.drift.reference_days import days_like, days_that_count
from platform_assets.domain.model_spec import ModelSpec
from resources.model_registry.model_version import ModelVersion
from resources.model_registry.registry import ModelRegistry


@dataclass(frozen=True, eq=False)
class TrainingReference:
    """The training set of a version: one row per feature day and entity, with features and label.

    Where the window counts new days more than old ones, only those that count belong to the reference.
    """

    rows: pa.Table
    version: ModelVersion
    spec: ModelSpec
    registry: ModelRegistry

    @property
    def days(self) -> tuple[date, ...]:
        """The feature days that count, oldest first."""
        return days_that_count(_days(self.rows), self.spec.window)

    def sample(self, kind: str, weekday: int) -> Sample | str:
        """Features, scores or labels of the days of a weekday (Monday is 0), of all where none is one; or why not.

        Of days it has learnt from, a model says more than it can know: its scores are those of the days held out.
        """
        if kind == SCORE:
            return self._scores(weekday)
        own = self._of(weekday, self.rows)
        columns = ["label"] if kind == LABEL else self._features
        return self._sample(own, own.select(columns))

    def _scores(self, weekday: int) -> Sample | str:
        held_out = self._of(weekday, self.rows.filter(pc.field("feature_date") > pa.scalar(self.version.trained_until)))
        if not held_out.num_rows:
            return f"{self.version} was held out from no day"
        scores = self.registry.load(self.version).score(held_out.select(self._features).to_pandas())
        return self._sample(held_out, pa.table({"score": pa.array(scores)}))

    @property
    def _features(self) -> list[str]:
        return [name for name in self.spec.feature_names if name in self.rows.column_names]

    def _of(self, weekday: int, rows: pa.Table) -> pa.Table:
        counting = set(self.days).intersection(_days(rows))
        days = days_like(weekday, sorted(counting))
        return rows.filter(pc.field("feature_date").isin(pa.array(days, pa.date32())))

    def _sample(self, rows: pa.Table, columns: pa.Table) -> Sample:
        return Sample.of(columns, _days(rows), len(pc.unique(rows[self.spec.entity])))


def _days(rows: pa.Table) -> tuple[date, ...]:
    return tuple(sorted(pc.unique(rows["feature_date"]).to_pylist()))
