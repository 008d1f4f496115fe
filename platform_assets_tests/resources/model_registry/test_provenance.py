"""A training names every table that it was made from, directly or not, at a version that can be read again."""

import pytest

from platform_assets_tests.small_platform import SmallPlatform
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.provenance import provenance_tags


@pytest.fixture
def lakehouse(small_platform: SmallPlatform) -> Lakehouse:
    return Lakehouse(small_platform.settings.lake_root)


def tags_of(lakehouse: Lakehouse, *tables: str) -> dict[str, str]:
    return provenance_tags(lakehouse, {table: lakehouse.snapshot(table).version for table in tables})


def test_tables_behind_the_inputs_are_named_with_the_version_that_was_read(lakehouse: Lakehouse) -> None:
    tags = tags_of(lakehouse, "user_features")
    behind = {name.removeprefix("upstream_version.") for name in tags if name.startswith("upstream_version.")}
    assert {"events", "user_ids", "identifier_pairs", "raw_web_events"} <= behind
    for table in behind:
        assert lakehouse.snapshot(table, int(tags[f"upstream_version.{table}"])).files


def test_an_input_is_not_also_named_as_a_table_behind_it(lakehouse: Lakehouse) -> None:
    tags = tags_of(lakehouse, "user_features", "events")
    assert "delta_version.events" in tags
    assert "upstream_version.events" not in tags


def test_the_digest_of_schemas_is_of_all_inputs_columns_and_repeats_itself(lakehouse: Lakehouse) -> None:
    one, again, other = (
        tags_of(lakehouse, *tables)["input_schemas"] for tables in (("events",), ("events",), ("user_ids",))
    )
    assert one == again != other


def test_a_table_that_is_gone_stops_no_training(lakehouse: Lakehouse) -> None:
    tags = provenance_tags(lakehouse, {"a_table_of_old": 3})
    assert tags["delta_version.a_table_of_old"] == "3"
