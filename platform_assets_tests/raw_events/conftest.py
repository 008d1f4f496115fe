"""A landing zone for each test, and one engine for all of them."""

from pathlib import Path

import ibis
import pytest

from platform_assets_tests.raw_events.landing import Landing


@pytest.fixture(scope="session")
def connection() -> ibis.BaseBackend:
    connection = ibis.duckdb.connect(threads=1)
    connection.raw_sql("SET TimeZone='UTC'")
    return connection


@pytest.fixture
def landing(tmp_path: Path, connection: ibis.BaseBackend) -> Landing:
    return Landing(tmp_path / "landing", connection)
