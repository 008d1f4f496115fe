"""Scores of 100,000 persons a day, over two days and over 60: what a range costs, from features to published."""

import shutil
import sys
from datetime import date, timedelta
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from benchmarks.fresh_process import Spent, run
from benchmarks.report import Section
from platform_assets.domain.contracts.model_tables import scores_contract
from platform_assets.domain.contracts.user_features import FEATURE_NAMES, USER_FEATURES
from platform_assets.domain.modelling.feature_rows import feature_rows
from platform_assets.predictions.scores import scores_of_day, spooled
from platform_assets.trained_models.conversion import CONVERSION
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.publish import publish
from resources.lakehouse.slicing import Slicing
from resources.lakehouse.tables import Lakehouse
from resources.model_registry.model_files import LoadedPipeline
from resources.model_registry.model_version import ModelVersion

RANGES, PERSONS = (2, 60), 100_000
FIRST = date(2026, 1, 1)


def measure(scratch: Path) -> Section:
    """Each range in a process of its own."""
    spent: dict[int, Spent] = {}
    for days in RANGES:
        folder = scratch / "score_range"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run(["-m", "benchmarks.score_range", "features", str(folder), str(days)])
        spent[days], _ = run(["-m", "benchmarks.score_range", "score", str(folder), str(days)])
        shutil.rmtree(folder)
    return Section(
        title="A range of days scored",
        command="python -m benchmarks score_range",
        method=f"{PERSONS:,} persons a day with {len(FEATURE_NAMES)} features, scored by a logistic regression and "
        "published; the process that does it, imports included.",
        header=("days", "rows", "peak MB", "CPU s"),
        rows=[
            (f"{days}", f"{days * PERSONS:,}", f"{each.peak_megabytes:,.0f}", f"{each.cpu_seconds:.0f}")
            for days, each in spent.items()
        ],
        figures={
            str(days): {"peak_megabytes": each.peak_megabytes, "cpu_seconds": each.cpu_seconds}
            for days, each in spent.items()
        },
    )


def make_features(folder: Path, days: int) -> None:
    """Feature rows in one file a day, made by the engine."""
    engine = DuckDBEngine(spill_folder=folder / "spill", threads=1)
    columns = ", ".join(f"(hash(i, day, '{name}') % 1000 / 100.0)::{_sql(name)} AS {name}" for name in FEATURE_NAMES)
    for number in range(days):
        engine.backend.raw_sql(
            f"COPY (SELECT DATE '{FIRST + timedelta(days=number)}' AS event_date, md5(i::VARCHAR) AS user_id, "
            f"{columns} "
            f"FROM (SELECT i, {number} AS day FROM range({PERSONS}) t(i))) TO '{folder}/{number:03}.parquet'"
        )


def _sql(name: str) -> str:
    dtype = next(column.dtype for column in USER_FEATURES.columns if column.name == name)
    return {"int64": "BIGINT", "float64": "DOUBLE", "boolean": "BOOLEAN", "int32": "INTEGER"}[dtype]


def score(folder: Path, days: int) -> None:
    """What the asset does, from feature files to the published table."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    engine = DuckDBEngine(spill_folder=folder / "spill", threads=1)
    random, names = np.random.default_rng(1), list(FEATURE_NAMES)
    seen = pd.DataFrame(random.random((500, len(names))), columns=names)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(seen, random.integers(0, 2, 500))
    version = ModelVersion("main.platform.conversion", 1, "", "", FIRST, FIRST, "")
    champion = LoadedPipeline(version, tuple(names), fitted)
    schema = {column.name: column.dtype for column in USER_FEATURES.columns if column.name in FEATURE_NAMES}
    files = [str(file) for file in sorted(folder.glob("*.parquet"))]
    table = engine.read_parquet(USER_FEATURES.name, files, _schema(schema), None)
    run_days = [FIRST + timedelta(days=number) for number in range(days)]
    rows, contract = feature_rows({USER_FEATURES.name: table}, CONVERSION), scores_contract(CONVERSION)
    parts = (part for day in run_days for part in scores_of_day(rows, day, CONVERSION, champion))
    publish(
        engine.from_arrow(contract.name, spooled(parts, contract.schema(), folder / "staging")),
        contract,
        Slicing("event_date"),
        [day.isoformat() for day in run_days],
        engine=engine,
        lakehouse=Lakehouse(str(folder / "lake")),
        staging_folder=folder / "staging",
        provenance={},
    )


def _schema(features: dict[str, str]) -> ibis.Schema:
    return ibis.schema({"event_date": "date", "user_id": "string", **features})


if __name__ == "__main__":
    {"features": make_features, "score": score}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
