"""Uploads in parts that nobody finished: a store keeps, and charges for, what no listing of objects shows."""

from datetime import datetime

from resources.lakehouse.tables import Lakehouse
from resources.object_store import StoreUnavailable, s3_resource, told


def abort_unfinished_uploads(lakehouse: Lakehouse, before: datetime, *, dry_run: bool = False) -> int:
    """Give up uploads below the lake's root that began before an instant; returns how many. None on a local disk.

    Raises StoreUnavailable.
    """
    if not lakehouse.root.startswith("s3://"):
        return 0
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = lakehouse.root.removeprefix("s3://").partition("/")
    try:
        client = s3_resource(lakehouse.storage_options).get_client()
        pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=f"{prefix}/".lstrip("/"))
        old = [upload for page in pages for upload in page.get("Uploads", ()) if upload["Initiated"] < before]
        for upload in () if dry_run else old:
            client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except (BotoCoreError, ClientError) as error:
        raise StoreUnavailable(
            told(error), where=lakehouse.root, todo="see whether the store answers and grants this, then run again"
        ) from error
    return len(old)
