"""What a model reads, as one table: the columns of all its feature tables, one row per day and entity.

Training sets and scores take their features from here, so that both read the same. The feature tables themselves are
made in the stage `features`; which columns of them a model reads says its spec.
"""

from collections.abc import Mapping, Sequence

import ibis

from platform_assets.domain.errors import PlatformError
from platform_assets.domain.model_spec import ModelSpec

_LOT_DIGITS = 8
"""Hexadecimal digits of an entity's lot: shares are kept to one part in four thousand million."""


class FeatureMissing(PlatformError):
    """No feature table of a spec has a column that a model reads."""


def feature_rows(tables: Mapping[str, ibis.Table], spec: ModelSpec, names: Sequence[str] | None = None) -> ibis.Table:
    """The features of every entity and day of the spec's first table, as `feature_date`, the entity and the columns.

    `tables` holds the spec's feature tables by name. Those after the first are looked up by entity and day; what they
    lack is missing. `names` are the columns to give, those of the spec where None: a model that was trained by an
    earlier spec reads columns that are not the spec's any more. Raises FeatureMissing where no table has one.
    """
    wanted = _columns_by_table(tables, spec, spec.feature_names if names is None else names)
    first, *others = spec.features
    source = tables[first.table]
    rows = source.select(
        feature_date=source[first.date_column].cast("date"),
        **{name: source[name] for name in (spec.entity, *wanted[first.table])},
    )
    for each in others:
        other, columns = tables[each.table], wanted[each.table]
        found = other.select(
            _day=other[each.date_column].cast("date"),
            _entity=other[spec.entity],
            **{name: other[name] for name in columns},
        )
        joined = rows.left_join(found, [rows.feature_date == found._day, rows[spec.entity] == found._entity])
        rows = joined.select(*rows.columns, *columns)
    return rows


def _columns_by_table(tables: Mapping[str, ibis.Table], spec: ModelSpec, names: Sequence[str]) -> dict[str, list[str]]:
    """Which of the columns each table gives: the one for which the spec names it, else the first that has it."""
    named = {name: each.table for each in spec.features for name in each.columns}
    holders = {name: each.table for each in reversed(spec.features) for name in tables[each.table].columns}
    if missing := [name for name in names if name not in named | holders]:
        raise FeatureMissing(
            f"no column {', '.join(missing)} in {', '.join(each.table for each in spec.features)}",
            where=f"model {spec.name!r}",
            todo="keep feature tables and columns as long as the champion reads them; a table is carried along by "
            "FeatureColumns('<table>', ()) until a new version is champion",
        )
    wanted: dict[str, list[str]] = {each.table: [] for each in spec.features}
    for name in names:
        wanted[named.get(name) or holders[name]].append(name)
    return wanted


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
