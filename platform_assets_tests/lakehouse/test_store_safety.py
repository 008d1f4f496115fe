"""A store on which two writers could both win is refused when a run starts; a good one is asked once."""

import json
from pathlib import Path

import dagster as dg
import pytest
from deltalake import DeltaTable

from platform_assets.definitions import build_definitions
from platform_assets_tests import careless_s3
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from platform_assets_tests.stores import S3_CREDENTIALS, Store, objects_in
from resources.lakehouse.store_safety import UnsafeStore, race, require_safe_store
from resources.lakehouse.tables import Lakehouse
from resources.object_store import StoreUnavailable


def lake_at(endpoint: str) -> Lakehouse:
    return Lakehouse("s3://bucket/lake", {**S3_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint})


def lying_in(store: Store) -> list[str]:
    lakehouse = store.lakehouse
    if lakehouse.is_local:
        return [str(path) for path in Path(lakehouse.root).rglob("*")]
    return objects_in(lakehouse.storage_options["AWS_ENDPOINT_URL"], lakehouse.root.split("/")[2])


def test_a_store_that_takes_a_version_once_passes_and_keeps_nothing_of_the_race(store: Store) -> None:
    race(store.lakehouse)
    assert lying_in(store) == []


@pytest.mark.parametrize("manner", ["ignores", "checks_first"])
def test_a_store_where_several_win_is_refused_with_what_was_seen(manner: str) -> None:
    with careless_s3.running(manner) as endpoint:
        with pytest.raises(UnsafeStore, match=r"[2-8] of 8 clients .* only one commit is there.*What to do: keep the"):
            race(lake_at(endpoint))
        assert objects_in(endpoint, "bucket") == []


def test_a_store_without_conditional_writes_is_refused_in_words() -> None:
    with (
        careless_s3.running("not_implemented") as endpoint,
        pytest.raises(StoreUnavailable, match=r"501 Not Implemented.*has no conditional writes"),
    ):
        race(lake_at(endpoint))


def test_the_verdict_is_remembered_for_this_store_only(store: Store, tmp_path: Path) -> None:
    verdicts = tmp_path / "home" / "safe_stores.json"
    require_safe_store(store.lakehouse, verdicts)
    (remembered,) = json.loads(verdicts.read_text())
    assert store.lakehouse.root in remembered
    require_safe_store(Lakehouse(str(tmp_path / "other")), verdicts)
    assert len(json.loads(verdicts.read_text())) == 2


def test_a_store_that_has_passed_is_not_raced_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = tmp_path / "safe_stores.json"
    require_safe_store(Lakehouse(str(tmp_path / "lake")), verdicts)
    monkeypatch.setattr(DeltaTable, "create", None)
    require_safe_store(Lakehouse(str(tmp_path / "lake")), verdicts)


def test_a_store_that_failed_is_raced_again_each_time(tmp_path: Path) -> None:
    verdicts = tmp_path / "safe_stores.json"
    with careless_s3.running("ignores") as endpoint:
        for _ in range(2):
            with pytest.raises(UnsafeStore):
                require_safe_store(lake_at(endpoint), verdicts)
    assert not verdicts.exists()


def test_on_an_unsafe_store_a_run_ends_before_any_step_begins(
    small_platform: SmallPlatform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = small_platform.settings
    settings = here.model_copy(update={"home": tmp_path, "lake": "s3://bucket/lake", "landing_zone": here.landing_root})
    with careless_s3.running("ignores") as endpoint, dg.DagsterInstance.ephemeral() as instance:
        for name, value in {**S3_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}.items():
            monkeypatch.setenv(name, value)
        job = build_definitions(settings).resolve_implicit_global_asset_job_def()
        raw = job.get_subset(asset_selection={dg.AssetKey("raw_web_events")})
        result = raw.execute_in_process(instance=instance, partition_key=KEYS[0], raise_on_error=False)
    said = [event.message + str(event.event_specific_data) for event in result.all_events]
    assert not result.success
    assert any("UnsafeStore" in line and "were told that they had committed it" in line for line in said)
    assert not any(event.is_step_start for event in result.all_events)
