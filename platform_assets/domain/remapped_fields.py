"""A raw table whose source declares other fields than before: nothing that was received is lost.

A field that is no longer mapped moves into `extra_fields`, where undeclared fields are; one that is mapped now is taken
out of there.
"""

import json

import ibis

from platform_assets.domain.contracts.contract import Migration
from platform_assets.domain.engine_functions import json_extract_string, json_merge_patch


def remapped(columns: tuple[str, ...], fields: dict[str, str]) -> Migration:
    """The migration to a raw contract with these columns; `fields` are the source's fields by raw column.

    A field that was mapped is kept under its raw column's name. Of nested fields (`customer.mail`) the object around
    stays in `extra_fields`, because it may hold others.
    """

    def migration(raw: ibis.Table) -> ibis.Table:
        gone = [name for name in raw.columns if name not in columns]
        new = {column: field for column, field in fields.items() if column not in raw.columns}
        extra = raw.extra_fields.fill_null("{}")  # of nothing and a patch DuckDB makes the patch
        if gone:
            values = ibis.struct({name: raw[name] for name in gone}).cast("json").cast(str)
            extra = json_merge_patch(extra, values)
        found = {column: json_extract_string(extra, _path(field)) for column, field in new.items()}
        if new:
            extra = json_merge_patch(extra, json.dumps({field: None for field in new.values() if "." not in field}))
        return raw.mutate(**found, extra_fields=extra.nullif("{}")).drop(*gone)

    return migration


def _path(field: str) -> str:
    return "$" + "".join(f".{json.dumps(key, ensure_ascii=False)}" for key in field.split("."))
