"""A source whose fields are mapped anew: its raw table is migrated, and what was received stays there."""

import json
from dataclasses import replace
from pathlib import Path

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets.domain.source import FieldMapping, Source
from platform_assets_tests.lakehouse.publishing import Shop
from platform_assets_tests.raw_events.landing import EVENTS, NOON, Landing
from platform_assets_tests.stores import local_store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.migration import migrate
from resources.lakehouse.schema_evolution import ContractChanged
from resources.lakehouse.slicing import Slicing


def mapped(source: Source, version: int, **fields: str) -> Source:
    named = {"event_time": "time", **fields}
    return replace(source, version=version, fields={name: FieldMapping((field,)) for name, field in named.items()})


ITEM, SKU = mapped(EVENTS, 1, item="item"), mapped(EVENTS, 2, item="goods.sku", country="land")


def shop_of(source: Source, engine: DuckDBEngine, folder: Path) -> Shop:
    return Shop(local_store(folder), engine, source.raw_contract(), "landing_date")


def test_a_field_that_is_mapped_no_longer_is_kept_and_a_new_one_is_taken_out_of_the_others(
    landing: Landing, engine: DuckDBEngine, tmp_path: Path
) -> None:
    more = '"land":"de","goods":{"sku":7,"size":1}'
    landing.file(f'{{"time":"{NOON}","item":"x",{more}}}\n{{"time":"{NOON}","item":null}}\n')
    before = shop_of(ITEM, engine, tmp_path)
    before.publish(ibis.memtable(landing.parse(ITEM), schema=schema(ITEM)), None)
    after = shop_of(SKU, engine, tmp_path)
    with pytest.raises(
        ContractChanged, match="raise `version` of source shop to 2, and run `platform migrate raw_shop`"
    ):
        shop_of(replace(SKU, version=1), engine, tmp_path).publish(
            ibis.memtable(landing.parse(SKU), schema=schema(SKU)), None
        )
    assert migrate(
        after.contract,
        Slicing("landing_date"),
        engine=engine,
        lakehouse=after.store.lakehouse,
        staging_folder=after.store.staging,
    )
    first, second = sorted(after.rows(), key=lambda row: row["line"])
    assert (first["goods_sku"], first["land"]) == ("7", "de")
    assert json.loads(first["extra_fields"]) == {"item": "x", "goods": {"sku": 7, "size": 1}}
    assert (second["goods_sku"], second["land"], second["extra_fields"]) == (None, None, None)


def schema(source: Source) -> ibis.Schema:
    return ibis.schema(
        {**source.raw_contract().schema(), **dict.fromkeys(("source", "record", "reject_reason"), "string")}
    )


texts = st.none() | st.text(max_size=5)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(st.tuples(texts, texts), min_size=1, max_size=4))
def test_a_field_that_is_unmapped_and_mapped_again_is_what_it_was(
    engine: DuckDBEngine, items: list[tuple[str | None, str | None]]
) -> None:
    without = mapped(EVENTS, 2)
    again = mapped(EVENTS, 3, item="item")
    names = ITEM.raw_contract().schema()
    extra = [None if more is None else json.dumps({"more": more}) for _, more in items]
    rows = [
        {**dict.fromkeys(names), "item": item, "extra_fields": other}
        for (item, _), other in zip(items, extra, strict=True)
    ]
    table = ibis.memtable(rows, schema=names)
    there = without.raw_contract().migrations[1](table)
    assert set(there.columns) == set(without.raw_contract().column_names)
    back = engine.backend.to_pyarrow(again.raw_contract().migrations[2](there)).to_pylist()
    told = sorted(str((row["item"], json.loads(row["extra_fields"] or "null"))) for row in back)
    assert told == sorted(str((row["item"], json.loads(row["extra_fields"] or "null"))) for row in rows)
