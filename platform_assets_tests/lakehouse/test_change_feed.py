"""The change feed tells the same as the snapshot: whatever is published, its net effect is the table."""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platform_assets_tests.lakehouse.bare_reading import feed_is_exact, published
from platform_assets_tests.lakehouse.publishers import CONTRACTS, batch, publish_batch
from resources.compute.duckdb_engine import DuckDBEngine

HOURS = ["2026-01-01-00:00", "2026-01-01-01:00", "two words"]
PUBLICATIONS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(sorted(CONTRACTS)), st.lists(st.sampled_from(HOURS), unique=True)),
    min_size=1,
    max_size=8,
)


def feed_follows(publications: list[tuple[int, str, list[str]]], folder: Path) -> None:
    """Publish (the same number again: the same rows again), then compare with what each partition got last."""
    engine = DuckDBEngine(spill_folder=folder, threads=1)
    expected: dict[str, dict[str, list[tuple]]] = {}
    for number, table, shops in publications:
        wanted = batch(number, table, shops)
        publish_batch(folder, wanted, engine)
        if table == "purchases":
            expected[table] = {}
        for shop in shops:
            expected.setdefault(table, {})[shop] = [row for row in wanted.good if row[0] == shop]
    for table, rows in expected.items():
        assert published(folder, table, HOURS) == sorted(chain(*rows.values()))
        assert feed_is_exact(folder / "lake", table)
        if (folder / "lake" / f"{table}_quarantine").exists():
            assert feed_is_exact(folder / "lake", f"{table}_quarantine")


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(publications=PUBLICATIONS)
def test_after_inserts_replacements_and_reruns_the_feed_is_the_table(
    publications: list[tuple[int, str, list[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    feed_follows(publications, tmp_path_factory.mktemp("lake"))


@pytest.mark.long
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(publications=PUBLICATIONS)
def test_after_many_inserts_replacements_and_reruns_the_feed_is_the_table(
    publications: list[tuple[int, str, list[str]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    feed_follows(publications, tmp_path_factory.mktemp("lake"))
