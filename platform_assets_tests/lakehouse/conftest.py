"""The table `visits` on every store and every engine."""

from collections.abc import Iterator

import pytest

from platform_assets_tests.lakehouse.publishers import Publishers
from platform_assets_tests.lakehouse.publishing import Shop
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine


@pytest.fixture
def shop(store: Store, engine: DuckDBEngine) -> Shop:
    return Shop(store, engine)


@pytest.fixture(scope="session")
def publishers() -> Iterator[Publishers]:
    """Publishers in processes of their own."""
    started = Publishers()
    yield started
    started.close()
