"""Requests for a training are kept whoever else asks, on a local folder and on S3."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone

from platform_assets.domain.retraining.evidence import Request
from platform_assets.validation_reports.retrain_requests import RetrainRequests, requests_in
from platform_assets_tests.stores import Store
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read

DAY = date(2026, 3, 1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def requests_of(store: Store, engine: DuckDBEngine) -> RetrainRequests:
    return RetrainRequests(store.lakehouse, engine, store.staging)


def stored(store: Store, engine: DuckDBEngine, model: str = "conversion") -> list[Request]:
    rows = read(store.lakehouse, engine, store.lakehouse.snapshot("retrain_requests"), None)
    return requests_in(rows.to_pyarrow().to_pylist(), model)


def test_the_first_request_of_a_day_stands(store: Store, engine: DuckDBEngine) -> None:
    first, second = Request(DAY, "ann", "new prices"), Request(DAY, "bob", "me too")
    later = Request(DAY + timedelta(days=1), "bob", "again")
    answers = [requests_of(store, engine).ask("conversion", asked, NOON) for asked in (first, second, later)]
    assert answers == [first, first, later]
    assert stored(store, engine) == [first, later]


def test_requests_for_several_models_at_once_are_all_kept(store: Store, engine: DuckDBEngine) -> None:
    models = ["conversion", "lookalike", "churn"]
    requests_of(store, engine).ask("basket", Request(DAY, "ann", ""), NOON)
    with ThreadPoolExecutor() as pool:
        engines = [DuckDBEngine(spill_folder=store.staging / model) for model in models]
        asked = [
            pool.submit(requests_of(store, own).ask, model, Request(DAY, "ann", model), NOON)
            for model, own in zip(models, engines, strict=True)
        ]
        assert [each.result().reason for each in asked] == models
    assert [stored(store, engine, model)[0].reason for model in models] == models


def test_the_instant_is_kept_in_utc(store: Store, engine: DuckDBEngine) -> None:
    at = NOON.astimezone(timezone(timedelta(hours=5)))
    requests_of(store, engine).ask("conversion", Request(DAY, "ann", ""), at)
    rows = read(store.lakehouse, engine, store.lakehouse.snapshot("retrain_requests"), None)
    assert rows.to_pyarrow()["requested_at"].to_pylist()[0].replace(tzinfo=None) == NOON.replace(tzinfo=None)
