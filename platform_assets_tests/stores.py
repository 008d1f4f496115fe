"""The stores that a lakehouse is tested on."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resources.lakehouse.tables import Lakehouse
from resources.object_store import s3_resource

S3_CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": os.environ.get("TEST_S3_ACCESS_KEY", "test"),
    "AWS_SECRET_ACCESS_KEY": os.environ.get("TEST_S3_SECRET_KEY", "test"),
    "AWS_REGION": "us-east-1",
}


@dataclass(frozen=True)
class Store:
    """A lakehouse on one store, with a local folder for staging."""

    lakehouse: Lakehouse
    staging: Path


def local_store(folder: Path) -> Store:
    """A lakehouse in a folder."""
    return Store(Lakehouse(str(folder / "lake")), folder / "staging")


def moto_store(endpoint: str, folder: Path) -> Store:
    """A lakehouse in a new bucket of an S3 server."""
    options = {**S3_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}
    return Store(Lakehouse(f"s3://{new_bucket(endpoint)}/lake", options), folder / "staging")


def new_bucket(endpoint: str) -> str:
    """The name of an empty bucket."""
    bucket = f"lake-{uuid.uuid4().hex[:12]}"
    s3_client(endpoint).create_bucket(Bucket=bucket)
    return bucket


def objects_in(endpoint: str, bucket: str, prefix: str = "") -> list[str]:
    """Names of the objects of a bucket."""
    pages = s3_client(endpoint).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", ())]


def s3_client(endpoint: str) -> Any:
    return s3_resource({**S3_CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}).get_client()
