"""The stores that a lakehouse is tested on."""

import uuid
from dataclasses import dataclass
from pathlib import Path

from resources.lakehouse.tables import Lakehouse


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
    import boto3

    credentials = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
    bucket = f"lake-{uuid.uuid4().hex[:12]}"
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=bucket)
    options = {**credentials, "AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"}
    return Store(Lakehouse(f"s3://{bucket}/lake", options), folder / "staging")
