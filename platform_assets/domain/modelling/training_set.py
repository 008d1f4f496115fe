"""Labels and training sets as Ibis expressions, point in time: a row's features lie before its day, its label after.

Splitting a training set over time stands in `time_split`.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import ibis
from ibis import _

from platform_assets.domain.identity.persons import NAMING_COLUMNS, followed, with_user_ids
from platform_assets.domain.label_rules import Label
from platform_assets.domain.model_spec import PERSON, ModelSpec
from platform_assets.domain.modelling.feature_rows import feature_rows, sampled_entities


def labelled(
    rows: ibis.Table, source: ibis.Table, user_ids: ibis.Table, rule: Label, *, entity: str, day: str
) -> ibis.Table:
    """`rows` with a column `label`: 1 if the entity has a hit of the rule in `day` .. `day` + horizon - 1, else 0.

    `source` is the rule's table. What it tells of days outside of that window changes nothing, so later data never
    rewrites an earlier label. A person is who was known when the day before `day` ended; what became of that id until
    the window's end is followed. `user_ids` holds the days of all windows.
    """
    keys = rows.select(_entity=rows[entity], _day=rows[day]).distinct()
    came_true = _came_true(keys, rule.hits(source), user_ids, rule, entity).mutate(_hit=ibis.literal(1, type="int8"))
    joined = rows.left_join(came_true, [rows[entity] == came_true._entity, rows[day] == came_true._day])
    return joined.mutate(label=_._hit.fill_null(0).cast("int8")).select(*rows.columns, "label")


def _came_true(keys: ibis.Table, hits: ibis.Table, user_ids: ibis.Table, rule: Label, entity: str) -> ibis.Table:
    """Those of the keys (`_entity`, `_day`) that have a hit within the horizon."""
    if entity != PERSON:
        happened = hits.filter(_[entity].notnull()).select(_hit_entity=_[entity], _hit_date=_.event_date).distinct()
        return keys.semi_join(
            happened,
            [
                keys._entity == happened._hit_entity,
                happened._hit_date >= keys._day,
                happened._hit_date < keys._day + ibis.interval(days=rule.horizon_days),
            ],
        )
    windows = keys.select(_begins="_day").distinct()
    windows = windows.mutate(_ends=windows._begins + ibis.interval(days=rule.horizon_days - 1))
    those = _persons_with_hits(hits, windows, user_ids)
    people = keys.mutate(
        user_id=keys._entity,
        _known=keys._day - ibis.interval(days=1),
        _ends=keys._day + ibis.interval(days=rule.horizon_days - 1),
    )
    became = followed(people, user_ids, known_on="_known", until="_ends")
    return (
        became.semi_join(those, [became.current_user_id == those.user_id, became._day == those._begins])
        .select("_entity", "_day")
        .distinct()
    )


def _persons_with_hits(hits: ibis.Table, windows: ibis.Table, user_ids: ibis.Table) -> ibis.Table:
    """Who has a hit in which window (`_begins` .. `_ends`): `user_id` as known at its end, and `_begins`.

    A hit names a person as known on its own day, or identifiers that are looked up.
    """
    whose = [PERSON] if PERSON in hits.columns else NAMING_COLUMNS
    seen = hits.select("event_date", *whose).distinct()
    inside = seen.join(windows, [seen.event_date >= windows._begins, seen.event_date <= windows._ends])
    if PERSON in hits.columns:
        became = followed(inside, user_ids, known_on="event_date", until="_ends")
        return became.select("_begins", user_id="current_user_id").distinct()
    return with_user_ids(inside, user_ids, as_of="_ends").select("user_id", "_begins").distinct()


def training_set(
    features: Mapping[str, ibis.Table],
    label_source: ibis.Table,
    user_ids: ibis.Table,
    spec: ModelSpec,
    training_date: date,
    columns: Sequence[str] | None = None,
) -> ibis.Table:
    """The rows a model of `spec` may learn from when the landing day `training_date` has just been completed.

    `features` are the spec's feature tables by name, `columns` what is taken of them (None: what the spec reads). Only
    feature days with a mature label count. Of the entities, those of `spec.sample_fraction` are kept; above
    `spec.sample_limit` rows an even sample is taken, by a hash of the key. Both are the same rows on every engine,
    whatever order they come in. The limit is one of rows, not of entities: rows of one entity repeat each other, so
    that as many rows of more entities tell more.
    """
    days = spec.feature_days(training_date)
    names = spec.feature_names if columns is None else columns
    within = {each.table: _snapshots(features[each.table], each.date_column, spec, days) for each in spec.features}
    rows = sampled_entities(feature_rows(within, spec, names), spec.entity, spec.sample_fraction)
    last_label_day = days[-1] + timedelta(days=spec.label.horizon_days - 1)
    seen, known = (
        table.filter(table.event_date.between(ibis.literal(days[0]), ibis.literal(last_label_day)))
        for table in (label_source, user_ids)
    )
    full = labelled(_sampled(rows, spec), seen, known, spec.label, entity=spec.entity, day="feature_date")
    return full.select(
        ibis.literal(training_date, type="date").name("training_date"),
        "feature_date",
        spec.entity,
        "label",
        *names,
    )


def _snapshots(table: ibis.Table, day: str, spec: ModelSpec, days: Sequence[date]) -> ibis.Table:
    """The rows of the feature days; as a range and a step, because a window may have a thousand of them."""
    when, last = table[day].cast("date"), ibis.literal(days[-1])
    steps = (last.epoch_days() - when.epoch_days()) % spec.window.step_days
    return table.filter(when.between(ibis.literal(days[0]), last), steps == 0)


def _sampled(rows: ibis.Table, spec: ModelSpec) -> ibis.Table:
    key = rows.feature_date.cast("string") + "|" + rows[spec.entity].cast("string") + f"|{spec.seed}"
    ranked = rows.mutate(_lot=key.hexdigest("md5"))
    order = [ranked._lot, ranked.feature_date, ranked[spec.entity]]
    placed = ranked.mutate(_place=ibis.row_number().over(order_by=order))
    return placed.filter(placed._place < spec.sample_limit).drop("_lot", "_place")
