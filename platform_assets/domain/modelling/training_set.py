"""Labels and training sets as Ibis expressions, point in time: a row's features lie before its day, its label after.

Splitting a training set over time stands in `time_split`.
"""

from datetime import date

import ibis
from ibis import _

from platform_assets.domain.model_spec import LabelRule, ModelSpec


def label_events(events: ibis.Table, rule: LabelRule, entity: str = "user_id") -> ibis.Table:
    """The days on which an entity did what the label asks for: one row per (entity, event_date), bots left out."""
    hits = events.filter(_.event_type == rule.event_type, ~_.is_bot.fill_null(False), _[entity].notnull())
    return hits.select(entity, "event_date").distinct()


def labelled(rows: ibis.Table, events: ibis.Table, rule: LabelRule, *, entity: str, day: str) -> ibis.Table:
    """`rows` with a column `label`: 1 if the entity has a label event in `day` .. `day` + horizon - 1, else 0.

    Events outside of that window change nothing, so later data never rewrites an earlier label.
    """
    hits = label_events(events, rule, entity).select(_label_entity=_[entity], _label_date=_.event_date)
    keys = rows.select(_entity=_[entity], _day=_[day]).distinct()
    came_true = keys.semi_join(
        hits,
        [
            keys._entity == hits._label_entity,
            hits._label_date >= keys._day,
            hits._label_date < keys._day + ibis.interval(days=rule.horizon_days),
        ],
    ).mutate(_hit=ibis.literal(1, type="int8"))
    joined = rows.left_join(came_true, [rows[entity] == came_true._entity, rows[day] == came_true._day])
    return joined.mutate(label=_._hit.fill_null(0).cast("int8")).select(*rows.columns, "label")


def training_set(features: ibis.Table, events: ibis.Table, spec: ModelSpec, training_date: date) -> ibis.Table:
    """The rows a model of `spec` may learn from when the landing day `training_date` has just been completed.

    Only feature days with a mature label count. Above `spec.sample_limit` rows an even sample is taken, by a hash of
    the key: the same rows on every engine, whatever order they come in.
    """
    days = spec.feature_days(training_date)
    day, entity = spec.feature_date_column, spec.entity
    snapshots = features.filter(features[day].cast("date").isin([ibis.literal(each) for each in days]))
    columns = {"feature_date": snapshots[day].cast("date"), entity: snapshots[entity]}
    rows = snapshots.select(**columns, **{name: snapshots[name] for name in spec.features})
    last_label_day = max(days).toordinal() + spec.label.horizon_days - 1
    seen = events.filter(
        events.event_date >= ibis.literal(min(days)),
        events.event_date <= ibis.literal(date.fromordinal(last_label_day)),
    )
    full = labelled(_sampled(rows, spec), seen, spec.label, entity=entity, day="feature_date")
    return full.select(
        ibis.literal(training_date, type="date").name("training_date"),
        "feature_date",
        entity,
        "label",
        *spec.features,
    )


def _sampled(rows: ibis.Table, spec: ModelSpec) -> ibis.Table:
    key = rows.feature_date.cast("string") + "|" + rows[spec.entity].cast("string") + f"|{spec.seed}"
    ranked = rows.mutate(_lot=key.hexdigest("md5"))
    order = [ranked._lot, ranked.feature_date, ranked[spec.entity]]
    placed = ranked.mutate(_place=ibis.row_number().over(order_by=order))
    return placed.filter(placed._place < spec.sample_limit).drop("_lot", "_place")
