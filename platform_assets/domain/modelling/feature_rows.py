"""What a model reads, as one table: the columns of all its feature tables, one row per day and entity.

Training sets and scores take their features from here, so that both read the same. The feature tables themselves are
made in the stage `features`; which columns of them a model reads says its spec.
"""

from collections.abc import Mapping

import ibis

from platform_assets.domain.model_spec import ModelSpec

_LOT_DIGITS = 8
"""Hexadecimal digits of an entity's lot: shares are kept to one part in four thousand million."""


def feature_rows(tables: Mapping[str, ibis.Table], spec: ModelSpec) -> ibis.Table:
    """The features of every entity and day of the spec's first table, as `feature_date`, the entity and the columns.

    `tables` holds the spec's feature tables by name. Those after the first are looked up by entity and day; what they
    lack is missing.
    """
    first, *others = spec.features
    source = tables[first.table]
    rows = source.select(
        feature_date=source[first.date_column].cast("date"),
        **{name: source[name] for name in (spec.entity, *first.columns)},
    )
    for each in others:
        other = tables[each.table]
        found = other.select(
            _day=other[each.date_column].cast("date"),
            _entity=other[spec.entity],
            **{name: other[name] for name in each.columns},
        )
        joined = rows.left_join(found, [rows.feature_date == found._day, rows[spec.entity] == found._entity])
        rows = joined.select(*rows.columns, *each.columns)
    return rows


def sampled_entities(rows: ibis.Table, entity: str, fraction: float) -> ibis.Table:
    """The rows of so large a fraction of all entities: all rows of an entity, or none.

    The hash of its id decides, so that every model, day and engine keeps the same entities, and a larger fraction keeps
    those of a smaller one.
    """
    if fraction >= 1:
        return rows
    lots = 16**_LOT_DIGITS
    bound = f"{min(round(fraction * lots), lots - 1):0{_LOT_DIGITS}x}"
    return rows.filter(rows[entity].cast("string").hexdigest("md5").substr(0, _LOT_DIGITS) < bound)
