"""The loop over a bank's calls, day by day, by the platform's own functions: train, judge, score, validate, decide.

Everything is as of the day on which it would have been known. What is left out are stores: tables are frames, versions
are kept in memory.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa

from platform_assets.domain.drift.comparison import FEATURE, LABEL, SCORE, TRAINING, Pair, Volume, compared
from platform_assets.domain.drift.decision import decided
from platform_assets.domain.drift.distribution import Sample
from platform_assets.domain.drift.reference_days import days_like, days_that_count
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.domain.modelling.prediction import predict
from platform_assets.domain.modelling.time_split import TrainingSetUnusable, split_by_time
from platform_assets.domain.modelling.training import TrainedModel, feature_matrix, train
from platform_assets.domain.modelling.validation import validation_report
from platform_assets.domain.promotion.baselines import baselines
from platform_assets.domain.promotion.gate import judge_challenger, judge_first
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets.domain.retraining.decide import decide
from platform_assets.domain.retraining.decision import Decision
from platform_assets.domain.retraining.evidence import Evidence, KnownVersion
from platform_assets.domain.retraining.label_lag import label_lag
from platform_assets.domain.retraining.observed_days import drifted_days, matured_days

DAY = timedelta(days=1)
LOOKED_BACK = timedelta(days=28)
"""For so long the last looks at a champion count, as in the asset `retrain_decisions`."""


@dataclass(frozen=True)
class Training:
    """A training that was tried: with its verdict where a gate judged it; `model` is None where it could not train."""

    day: date
    model: TrainedModel | None
    told: str
    verdict: Verdict | None = None

    @property
    def used(self) -> bool:
        """Whether it scored the days after it."""
        return self.model is not None and (self.verdict is None or self.verdict.promoted)


@dataclass(frozen=True)
class Replay:
    """What a policy did: `scored` has one row a call (event_date, call_id, label, score); trainings and decisions."""

    scored: pd.DataFrame
    trainings: Sequence[Training]
    decisions: Sequence[Decision] = ()
    validation: pd.DataFrame = field(default_factory=pd.DataFrame)
    drift: pd.DataFrame = field(default_factory=pd.DataFrame)


class Calls:
    """The calls by day: event_date, call_id, label, features."""

    def __init__(self, rows: pd.DataFrame) -> None:
        self.rows = rows
        self.by_day: Mapping[date, pd.DataFrame] = dict(iter(rows.groupby("event_date")))
        self._dates = np.array(rows["event_date"], dtype="datetime64[D]")
        self._trained: dict[tuple[str, date], TrainedModel] = {}

    @cached_property
    def last(self) -> date:
        """The last day with calls."""
        return max(self.by_day)

    def training_set(self, spec: ModelSpec, day: date) -> pd.DataFrame:
        """What may be learnt from once `day` is complete; labels are known on the day itself."""
        days = spec.feature_days(day)
        known = (self._dates >= np.datetime64(days[0])) & (self._dates <= np.datetime64(days[-1]))
        return self.rows[known].rename(columns={"event_date": "feature_date"}).assign(training_date=day)

    def trained(self, spec: ModelSpec, day: date) -> TrainedModel:
        """The model as of a day; trained once for all policies that want the same."""
        key = (spec.training_fingerprint, day)
        if key not in self._trained:
            self._trained[key] = train(self.training_set(spec, day), spec, day)
        return self._trained[key]


def scores(model: TrainedModel, rows: pd.DataFrame, spec: ModelSpec) -> pd.DataFrame:
    """Rows (event_date, call_id, label, score) of calls."""
    kept = rows[["event_date", spec.entity, "label"]]
    return kept.assign(score=predict(model.pipeline, feature_matrix(rows, spec)))


def by_calendar(calls: Calls, spec: ModelSpec, start: date, days: Sequence[date]) -> Replay:
    """Trained as of `start` and each of the days, and always used; where it can't be trained, the old one goes on."""
    trainings, scored, model = [], [], None
    for day in _days(start, calls.last):
        if model is not None and day in calls.by_day:
            scored.append(scores(model, calls.by_day[day], spec))
        if day == start or day in days:
            trainings.append(_tried(calls, spec, day, "by the calendar"))
            model = trainings[-1].model or model
    return Replay(pd.concat(scored, ignore_index=True), trainings)


def by_engine(calls: Calls, spec: ModelSpec, start: date) -> Replay:
    """Trained when the retraining engine decides it, from `start` on, and used where the gate promotes it."""
    engine = _Engine(calls, spec)
    for day in _days(start, calls.last):
        engine.live(day)
    return engine.replay


class _Engine:
    """What is known of the model so far, and what happens on one more day."""

    def __init__(self, calls: Calls, spec: ModelSpec) -> None:
        self._calls, self._spec, self._lag = calls, spec, label_lag(spec)
        self._trainings: list[Training] = []
        self._decisions: list[Decision] = []
        self._scored: list[pd.DataFrame] = []
        self._validated: list[pd.DataFrame] = []
        self._compared: list[pd.DataFrame] = []
        self._reference: Callable[[str, int], Sample] | None = None

    @property
    def replay(self) -> Replay:
        frames = (pd.concat(each, ignore_index=True) for each in (self._scored, self._validated, self._compared))
        scored, validation, drift = frames
        return Replay(scored, self._trainings, self._decisions, validation, drift)

    def live(self, day: date) -> None:
        """Score and look at the day with the champion, decide when it is complete, train and judge if so decided."""
        champion = self._champion()
        if champion is not None and day in self._calls.by_day:
            self._watch(day, champion)
        decision = decide(self._evidence(day, champion), self._spec, self._lag)
        self._decisions.append(decision)
        if decision.retrain:
            self._trainings.append(self._judged(_tried(self._calls, self._spec, day, decision.reason), champion))
            if self._trainings[-1].used:
                self._reference = None

    def _champion(self) -> KnownVersion | None:
        used = [number for number, each in enumerate(self._trainings, start=1) if each.used]
        return KnownVersion(used[-1], self._trainings[used[-1] - 1].day) if used else None

    def _model(self, champion: KnownVersion) -> TrainedModel:
        model = self._trainings[champion.version - 1].model
        assert model is not None
        return model

    def _watch(self, day: date, champion: KnownVersion) -> None:
        spec, model = self._spec, self._model(champion)
        scored = scores(model, self._calls.by_day[day], spec)
        self._scored.append(scored)
        known = scored.assign(
            model_name=spec.name, model_version=champion.version, trained_until=model.trained_until, in_sample=False
        )
        reached = {champion.version: {f"holdout_{name}": each.value for name, each in model.metrics.items()}}
        self._validated.append(validation_report(known, spec, reached))
        pairs, volumes = self._sides(day, scored, model)
        rows = decided(compared(pairs, volumes), spec.drift)
        self._compared.append(rows.assign(event_date=day, model_version=champion.version))

    def _sides(self, day: date, scored: pd.DataFrame, model: TrainedModel) -> tuple[list[Pair], list[Volume]]:
        """The day and the champion's training, of the same weekday; labels are those of the day before."""
        if self._reference is None:
            self._reference = _reference(self._calls.training_set(self._spec, model.training_date), model, self._spec)
        weekday, rows, reference = day.weekday(), self._calls.by_day[day], self._reference
        features = Sample.of_day(_table(rows[list(self._spec.feature_names)]), day)
        pairs = [
            Pair(TRAINING, FEATURE, features, reference(FEATURE, weekday)),
            Pair(TRAINING, SCORE, Sample.of_day(_table(scored[["score"]]), day), reference(SCORE, weekday)),
        ]
        matured = day - DAY
        if matured in self._calls.by_day:
            labels = self._calls.by_day[matured]["label"]
            today = Sample.of_labels(len(labels), int(labels.sum()), matured)
            pairs.append(Pair(TRAINING, LABEL, today, reference(LABEL, matured.weekday())))
        days = days_like(weekday, reference(FEATURE, -1).days)
        volume = Volume(TRAINING, "calls", day, len(rows), tuple(len(self._calls.by_day[each]) for each in days))
        return pairs, [volume]

    def _evidence(self, day: date, champion: KnownVersion | None) -> Evidence:
        spec = self._spec
        tried = self._trainings[-1] if self._trainings else None
        models = [(number, each) for number, each in enumerate(self._trainings, start=1) if each.model is not None]
        drifted, columns = drifted_days(_since(day, self._compared), champion.version, spec) if champion else ([], {})
        matured = []
        if champion:
            reached = self._model(champion).metrics[spec.metric].value
            matured = matured_days(_since(day, self._validated), champion.version, reached, spec)
        return Evidence(
            decision_date=day,
            landed_until=day,
            first_feature_date=min(self._calls.by_day),
            declared_by="",
            made_by="",
            challenger=KnownVersion(models[-1][0], models[-1][1].day) if models else None,
            champion=champion,
            settled_until=models[-1][1].day if models else None,
            failed_attempts=spec.retraining.attempts if tried and tried.model is None else 0,
            matured=matured,
            drifted=drifted,
            drifted_columns=columns.get(drifted[-1].known_at, ()) if drifted else (),
            previous=self._decisions[-1] if self._decisions else None,
        )

    def _judged(self, training: Training, champion: KnownVersion | None) -> Training:
        if training.model is None:
            return training
        spec, model = self._spec, training.model
        split = split_by_time(self._calls.training_set(spec, training.day), spec)
        challenger = model.holdout["score"].to_numpy()
        if champion is None:
            verdict = judge_first(split.holdout, challenger, baselines(split.search, split.holdout, spec), spec=spec)
        else:
            rival = self._model(champion)
            known = predict(rival.pipeline, feature_matrix(split.holdout, spec))
            verdict = judge_challenger(
                split.holdout, challenger, known, spec=spec, champion_trained_until=rival.trained_until
            )
        return Training(training.day, model, training.told, verdict)


def _tried(calls: Calls, spec: ModelSpec, day: date, told: str) -> Training:
    try:
        return Training(day, calls.trained(spec, day), told)
    except TrainingSetUnusable as error:
        return Training(day, None, f"{told}; could not be trained: {error}")


def _reference(rows: pd.DataFrame, model: TrainedModel, spec: ModelSpec) -> Callable[[str, int], Sample]:
    """Samples of a training by kind and weekday; of all its days for the weekday -1."""
    counting = days_that_count(sorted(set(rows["feature_date"])), spec.window)

    @lru_cache(32)
    def sample(kind: str, weekday: int) -> Sample:
        own = model.holdout if kind == SCORE else rows
        within = [day for day in sorted(set(own["feature_date"])) if day in counting]
        days = days_like(weekday, within)
        own = own[own["feature_date"].isin(days)]
        columns = {FEATURE: list(spec.feature_names), SCORE: ["score"], LABEL: ["label"]}[kind]
        return Sample.of(_table(own[columns]), days, len(own))

    return sample


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


def _since(day: date, frames: Sequence[pd.DataFrame]) -> pd.DataFrame | None:
    """The frames of the last days; each is of one."""
    recent = [each for each in frames if each["event_date"].iloc[0] >= day - LOOKED_BACK]
    return pd.concat(recent, ignore_index=True) if recent else None


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
