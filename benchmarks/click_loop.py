"""Clicks on shown items (Open Bandit Dataset, small version): a model validated by day, and what few clicks can show.

The file holds a week of impressions of two policies: one shows items at random, the other learns which. A model learns
from the first days of the random one and is validated on its last two days, and on the days of the learned policy.

The file's affinities (past clicks of the person on items) are left out: on its first day every click has one and 7 % of
the other impressions, on later days clicks have as few as others. They seem to count the click itself then.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.bank_spec import linear
from platform_assets.domain.label_rules import LabelRule
from platform_assets.domain.model_spec import FeatureColumns, ModelSpec
from platform_assets.domain.modelling.prediction import predict
from platform_assets.domain.modelling.quality import Estimate, lift_by_decile, metric_differences, metric_estimates
from platform_assets.domain.modelling.time_split import split_by_time
from platform_assets.domain.modelling.training import feature_matrix, train
from platform_assets.domain.modelling.validation import validation_report
from platform_assets.domain.modelling.violation import violated
from platform_assets.domain.promotion.baselines import baselines
from platform_assets.domain.promotion.gate import judge_first
from platform_assets.domain.promotion.verdict import Verdict
from platform_assets.domain.training_windows import Trailing

FIRST, TRAINED, LAST = date(2019, 11, 24), date(2019, 11, 28), date(2019, 11, 30)
RANDOM, LEARNED = "random", "bts"
AFFINITIES = ("affinity", "affinity_of_all")
POSITIONS = ("position_1", "position_2", "position_3")
USER = tuple(f"user_feature_{number}" for number in range(4))
ITEM = tuple(f"item_feature_{number}" for number in range(1, 4))


@dataclass(frozen=True)
class ClickLoop:
    """The verdict on the model, and the labelled scores of the days it is validated on, by policy."""

    spec: ModelSpec
    verdict: Verdict
    holdout: Mapping[str, Estimate]
    learnt_clicks: int
    scored: Mapping[str, pd.DataFrame]

    def report(self, policy: str) -> pd.DataFrame:
        """Rows of the validation by day."""
        reached = {1: {f"holdout_{name}": each.value for name, each in self.holdout.items()}}
        known = self.scored[policy].assign(
            model_name=self.spec.name, model_version=1, trained_until=TRAINED - timedelta(days=1), in_sample=False
        )
        return validation_report(known, self.spec, reached)

    def violated_days(self, policy: str) -> int:
        """Days that are shown to be worse than the holdout promised."""
        rows = self.report(policy).to_dict("records")
        return sum(violated(self.spec, row, row["expected_log_loss"]) for row in rows)


def read_impressions(folder: Path, policy: str) -> pd.DataFrame:
    """One row an impression: event_date, impression_id, label, propensity, and what a model may read."""
    data = folder / "open_bandit_clicks"
    shown = pd.read_csv(data / f"{policy}_men.csv.gz", index_col=0)
    items = pd.read_csv(data / f"{policy}_men_item_context.csv.gz", index_col=0)
    shown = shown.merge(items, on="item_id", how="left", validate="m:1")
    at = pd.to_datetime(shown["timestamp"], format="ISO8601", utc=True)
    affinities = shown[[f"user-item_affinity_{item}" for item in range(34)]].to_numpy()
    words = {name: pd.Categorical(shown[name]) for name in (*USER, *ITEM)}
    return pd.DataFrame(
        {
            "event_date": at.dt.date,
            "impression_id": [f"{policy}{number:05d}" for number in range(len(shown))],
            "label": shown["click"].astype("int8"),
            "propensity": shown["propensity_score"],
            "hour": at.dt.hour.astype("float64"),
            "price_like": shown["item_feature_0"],
            "affinity": affinities[np.arange(len(shown)), shown["item_id"].to_numpy()],
            "affinity_of_all": affinities.sum(axis=1),
            **{f"position_{place}": (shown["position"] == place).astype("float64") for place in (1, 2, 3)},
            **{
                f"{name}_{value[:6]}": (column == value).astype("float64")
                for name, column in words.items()
                for value in column.categories
            },
        }
    )


def click_loop(folder: Path, *, affinities: bool = False) -> ClickLoop:
    """Train on the first days of the random policy, judge, score and label the later days of both."""
    random, learned = (read_impressions(folder, policy) for policy in (RANDOM, LEARNED))
    left_out = {"event_date", "impression_id", "label", "propensity", *(() if affinities else AFFINITIES)}
    features = tuple(name for name in random.columns if name not in left_out)
    spec = click_spec(features)
    known = random[random["event_date"] <= TRAINED].rename(columns={"event_date": "feature_date"})
    model, split = train(known, spec, TRAINED), split_by_time(known, spec)
    rivals = baselines(split.search, split.holdout, spec)
    verdict = judge_first(split.holdout, model.holdout["score"].to_numpy(), rivals, spec=spec)

    def scored(rows: pd.DataFrame) -> pd.DataFrame:
        own = rows[["event_date", "impression_id", "label", "propensity"]]
        position = _click_rates(split.search)[rows[list(POSITIONS)].to_numpy().argmax(axis=1)]
        return own.assign(score=predict(model.pipeline, feature_matrix(rows, spec)), position=position)

    later = random[random["event_date"] > TRAINED]
    shown = {RANDOM: scored(later), LEARNED: scored(learned.reindex(columns=random.columns, fill_value=0.0))}
    return ClickLoop(spec, verdict, model.metrics, model.positives, shown)


def _click_rates(search: pd.DataFrame) -> np.ndarray:
    """The click rate of each position, which needs no model."""
    return np.array([search.loc[search[name] == 1, "label"].mean() for name in POSITIONS])


def click_spec(features: tuple[str, ...]) -> ModelSpec:
    """Judged by the log loss, which also sees the level; strong regularisation, for there are dozens of clicks only."""
    return ModelSpec(
        name="clicks",
        description="How likely an item that is shown is clicked.",
        owner="team:data-platform",
        entity="impression_id",
        features=(FeatureColumns("impressions", features),),
        label=LabelRule("click", horizon_days=1, maturity_days=0),
        estimator=linear,
        search_space=lambda seed: [{"classify__C": [0.0001, 0.001, 0.01]}],
        metric="log_loss",
        window=Trailing(days=5, step_days=1),
        holdout_days=1,
        folds=2,
    )


def pooled(loop: ClickLoop, policy: str, score: str = "score") -> dict[str, Any]:
    """Figures of all days of a policy; those of position or propensity alone are of their own score."""
    rows = loop.scored[policy]
    estimates = metric_estimates(rows["label"], rows[score], rows["impression_id"], seed=1)
    return {
        "rows": len(rows),
        "clicks": int(rows["label"].sum()),
        "mean_score": float(rows[score].mean()),
        **{name: [each.value, each.low, each.high] for name, each in estimates.items()},
        "lift_by_decile": lift_by_decile(rows["label"], rows[score]).tolist(),
    }


def better_than(loop: ClickLoop, policy: str, rival: str) -> dict[str, list[float]]:
    """Metric of the model minus that of a rival column of scores, paired."""
    rows = loop.scored[policy]
    found = metric_differences(rows["label"], rows["score"], rows[rival], rows["impression_id"], seed=1)
    return {name: [each.value, each.low, each.high] for name, each in found.items()}
