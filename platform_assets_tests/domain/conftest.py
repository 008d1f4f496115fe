"""One engine for all pure functions of this package: nothing is written, so nothing needs to be kept apart."""

import pytest

from platform_assets_tests.conftest import DEMO_KEY
from resources.compute.duckdb_engine import DuckDBEngine


@pytest.fixture(scope="session")
def one_engine(tmp_path_factory: pytest.TempPathFactory) -> DuckDBEngine:
    engine = DuckDBEngine(spill_folder=tmp_path_factory.mktemp("spill"), threads=1, pseudonym_key=DEMO_KEY)
    # Plans are kept while the rows change, so they must not be made for the rows there were when they were made.
    engine.backend.con.execute(
        "SET disabled_optimizers = 'statistics_propagation,empty_result_pullup,compressed_materialization'"
    )
    return engine
