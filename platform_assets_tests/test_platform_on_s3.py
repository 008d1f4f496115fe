"""Landed files, lake and logs on S3, told by environment variables alone: the same rows as on a local disk."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from platform_assets.cli.dagster_runs import prepare_instance
from platform_assets_tests.small_platform import KEYS, SmallPlatform
from platform_assets_tests.stores import S3_CREDENTIALS, new_bucket, objects_in, s3_client
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.io_manager import read
from resources.lakehouse.tables import Lakehouse
from resources.settings import Settings

ROOT = Path(__file__).parents[1]
TABLES = ["raw_web_events", "raw_web_events_quarantine", "events"]


@dataclass(frozen=True)
class OnS3:
    """What a run left on S3."""

    endpoint: str
    bucket: str
    lakehouse: Lakehouse


@pytest.fixture(scope="module")
def on_s3(small_platform: SmallPlatform, moto_server: str, tmp_path_factory: pytest.TempPathFactory) -> OnS3:
    """The small platform's landed files, put to S3 and materialised there by the command that people use."""
    folder, bucket = tmp_path_factory.mktemp("on_s3"), new_bucket(moto_server)
    landed = Path(small_platform.settings.landing_root)
    for file in landed.rglob("*.jsonl.gz"):
        s3_client(moto_server).upload_file(str(file), bucket, f"landing/{file.relative_to(landed)}")
    sources = (ROOT / "config" / "sources.yaml").read_text().replace("simulated: true", "simulated: false")
    (folder / "sources.yaml").write_text(sources)
    settings = Settings(environment="s3", home=folder / "home")
    key = small_platform.settings.require_pseudonym_key(only_simulated_data=True)
    environment = {
        **prepare_instance(settings),
        **S3_CREDENTIALS,
        "AWS_ENDPOINT_URL": moto_server,
        "PLATFORM_ENVIRONMENT": "s3",
        "PLATFORM_LAKE": f"s3://{bucket}/lake",
        "PLATFORM_LANDING_ZONE": f"s3://{bucket}/landing",
        "PLATFORM_LOG_BUCKET": bucket,
        "PLATFORM_PSEUDONYM_KEY": key.decode(),
        "PLATFORM_SOURCES_FILE": str(folder / "sources.yaml"),
        "PLATFORM_FIRST_DAY": KEYS[0],
        "PLATFORM_LAST_DAY": KEYS[-1],
    }
    command = [sys.executable, "-m", "dagster", "asset", "materialize", "-m", "platform_assets.definitions"]
    command += ["--select", "raw_web_events,events", "--partition-range", f"{KEYS[0]}...{KEYS[-1]}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    options = {**S3_CREDENTIALS, "AWS_ENDPOINT_URL": moto_server}
    return OnS3(moto_server, bucket, Lakehouse(f"s3://{bucket}/lake", options))


@pytest.mark.parametrize("table", TABLES)
def test_the_rows_are_those_of_the_local_run(
    small_platform: SmallPlatform, on_s3: OnS3, engine: DuckDBEngine, table: str
) -> None:
    found, wanted = (
        sorted(read(lakehouse, engine, lakehouse.snapshot(table), None).to_pyarrow().to_pylist(), key=str)
        for lakehouse in (on_s3.lakehouse, Lakehouse(small_platform.settings.lake_root))
    )
    assert len(found) == len(wanted) > 0
    assert found == wanted


def test_the_steps_output_lies_in_the_bucket(on_s3: OnS3) -> None:
    names = objects_in(on_s3.endpoint, on_s3.bucket, "dagster/storage/")
    client = s3_client(on_s3.endpoint)
    text = "".join(client.get_object(Bucket=on_s3.bucket, Key=name)["Body"].read().decode() for name in names)
    assert any(name.endswith(".err") for name in names)
    assert "STEP_SUCCESS" in text
    assert "reading raw_web_events at Delta version" in text


def test_the_lake_holds_nothing_but_tables(on_s3: OnS3) -> None:
    folders = {name.split("/")[1] for name in objects_in(on_s3.endpoint, on_s3.bucket, "lake/")}
    assert folders == set(on_s3.lakehouse.table_names())


def test_the_instance_on_s3_differs_only_in_where_step_output_lies() -> None:
    local, on_s3 = (yaml.safe_load((ROOT / name).read_text()) for name in ("dagster.yaml", "dagster.s3.yaml"))
    assert local.pop("compute_logs") != on_s3.pop("compute_logs")
    assert local == on_s3


@pytest.mark.parametrize(("environment", "file"), [("demo", "dagster.yaml"), ("s3", "dagster.s3.yaml")])
def test_the_environment_chooses_the_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str, file: str
) -> None:
    monkeypatch.chdir(ROOT)
    home = prepare_instance(Settings(environment=environment, home=tmp_path))["DAGSTER_HOME"]
    assert Path(home, "dagster.yaml").readlink() == ROOT / file
    made = subprocess.run(
        ["make", "--no-print-directory", "env"],
        cwd=ROOT,
        env={**os.environ, "PLATFORM_ENVIRONMENT": environment, "PLATFORM_HOME": str(tmp_path / "made")},
        check=True,
    )
    assert made.returncode == 0
    assert (tmp_path / "made" / "dagster" / "dagster.yaml").readlink() == ROOT / file
