"""Uploads that nobody finished are given up below the lake, and nowhere else, when they are old enough."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from platform_assets_tests.stores import local_store, moto_store, s3_client
from resources.lakehouse.unfinished_uploads import abort_unfinished_uploads

EVERY = ["elsewhere/c", "lake/a", "lake/b"]
NOW = datetime.now(UTC)
LONG_AGO, LATER = datetime(2000, 1, 1, tzinfo=UTC), NOW + timedelta(days=1)


@pytest.mark.parametrize(
    ("before", "dry_run", "found", "left"),
    [(LATER, False, 2, ["elsewhere/c"]), (LATER, True, 2, EVERY), (LONG_AGO, False, 0, EVERY)],
)
def test_old_uploads_below_the_lake_are_given_up(
    moto_server: str, tmp_path: Path, before: datetime, dry_run: bool, found: int, left: list[str]
) -> None:
    lakehouse, client = moto_store(moto_server, tmp_path).lakehouse, s3_client(moto_server)
    bucket = lakehouse.root.split("/")[2]
    for name in EVERY:
        client.create_multipart_upload(Bucket=bucket, Key=name)
    assert abort_unfinished_uploads(lakehouse, before, dry_run=dry_run) == found
    there = client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    assert sorted(upload["Key"] for upload in there) == left


def test_a_local_lake_has_none(tmp_path: Path) -> None:
    assert abort_unfinished_uploads(local_store(tmp_path).lakehouse, LATER) == 0
