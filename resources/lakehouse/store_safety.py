"""Refuses a store on which two writers could both win, before anything is computed.

A Delta commit is safe because the store takes each version of the log once. Some S3 servers accept the condition and
don't keep it: every writer is told that it has won, and rows that were acknowledged are gone. No single request shows
that, so several clients race through delta-rs itself for the same version of a throw-away table.
How commits are made stands in `commit`.
"""

import json
import os
import shutil
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from platform_assets.domain.errors import PlatformError
from resources.lakehouse.tables import Lakehouse
from resources.object_store import StoreUnavailable, s3_resource, told

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable

CLIENTS, ROUNDS = 8, 4
PROBE_PREFIX = "_store_probe_"
"""No table's name begins so."""
SHORT_PATIENCE: Mapping[str, str] = {"max_retries": "6", "retry_timeout": "10s"}
"""A store that refuses conditional writes answers with a server error; a patient client would repeat it for minutes."""


class UnsafeStore(PlatformError):
    """A store that lets several writers win the same version. Nothing was computed or written."""


def require_safe_store(lakehouse: Lakehouse, verdicts: Path) -> None:
    """Return if commits on this store can be trusted, by a race or by the verdict of an earlier one.

    `verdicts` is the file that remembers stores which have passed, per store, place and version of delta-rs; one that
    fails is raced again next time. Raises UnsafeStore, or StoreUnavailable where the store takes no commit at all.
    """
    import deltalake

    store = f"{lakehouse.root} at {_endpoint(lakehouse)} by deltalake {deltalake.__version__}"
    passed = json.loads(verdicts.read_text(encoding="utf-8")) if verdicts.exists() else []
    if store in passed:
        return
    race(lakehouse)
    verdicts.parent.mkdir(parents=True, exist_ok=True)
    written = verdicts.with_name(f"{verdicts.name}.{os.getpid()}-{threading.get_ident()}")
    written.write_text(json.dumps(sorted({*passed, store}), indent=2), encoding="utf-8")
    written.replace(verdicts)


def race(lakehouse: Lakehouse, *, clients: int = CLIENTS, rounds: int = ROUNDS) -> None:
    """Let clients race for the next version of a table of their own, several times; the table is removed afterwards.

    Raises UnsafeStore where more than one is told that it has won, StoreUnavailable where none can commit.
    """
    probe = replace(lakehouse, storage_options={**lakehouse.storage_options, **SHORT_PATIENCE})
    name = PROBE_PREFIX + uuid.uuid4().hex
    try:
        _race(probe, name, clients, rounds)
    finally:
        _remove(lakehouse, name)


def _race(lakehouse: Lakehouse, name: str, clients: int, rounds: int) -> None:
    from deltalake import DeltaTable, Schema
    from deltalake.exceptions import DeltaError

    schema = _schema()
    options = dict(lakehouse.storage_options)
    try:
        DeltaTable.create(lakehouse.uri(name), Schema.from_arrow(schema), storage_options=options)
    except (DeltaError, OSError) as error:
        raise _refused(lakehouse, error) from error
    begin = threading.Barrier(clients)
    with ThreadPoolExecutor(clients) as pool:
        for version in range(1, rounds + 1):
            tables = list(pool.map(lambda _: lakehouse.snapshot(name).delta, range(clients)))
            answers = list(pool.map(_commit, tables, range(clients), [begin] * clients))
            won = [number for number, error in enumerate(answers) if error is None]
            latest = lakehouse.snapshot(name).delta
            there = {int(entry["racer"]) for entry in latest.history(1) if "racer" in entry}
            if len(won) > 1 or (won and won != list(there)):
                raise _unsafe(lakehouse, clients, won, version)
            if latest.version() != version:
                raise _refused(lakehouse, next(error for error in answers if error is not None))


def _commit(table: "DeltaTable", racer: int, begin: threading.Barrier) -> Exception | None:
    """One client's attempt; None if it was told that it has won."""
    from deltalake import CommitProperties
    from deltalake.exceptions import DeltaError
    from deltalake.transaction import AddAction

    action = AddAction(f"{racer}.parquet", 1, {}, 0, True, '{"numRecords": 0}')
    properties = CommitProperties(custom_metadata={"racer": str(racer)}, max_commit_retries=0)
    begin.wait(timeout=60)
    try:
        table.create_write_transaction([action], "append", _schema(), [], commit_properties=properties)
    except (DeltaError, OSError) as error:
        return error
    return None


def _schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema({"racer": pa.int64()})


def _unsafe(lakehouse: Lakehouse, clients: int, won: list[int], version: int) -> UnsafeStore:
    return UnsafeStore(
        f"{len(won)} of {clients} clients that raced for version {version} of a throw-away table were told that they "
        "had committed it, and only one commit is there. This store doesn't keep the condition of a conditional write "
        "(If-None-Match): of two writers at once, one would lose rows that were acknowledged",
        where=f"{lakehouse.root} at {_endpoint(lakehouse)}",
        todo="keep the lake on a store with conditional writes (Amazon S3 has them, Ceph RGW 16.2.15 passes this "
        "race) or in a local folder; or upgrade the store's server and start again",
    )


def _refused(lakehouse: Lakehouse, error: Exception) -> StoreUnavailable:
    return StoreUnavailable(
        f"the store takes no commit: {told(error)}",
        where=f"{lakehouse.root} at {_endpoint(lakehouse)}",
        todo="check address, bucket, credentials and the right to read, write and delete; a store that answers "
        "'not implemented' has no conditional writes and can't hold the lake",
    )


def _endpoint(lakehouse: Lakehouse) -> str:
    return "this machine" if lakehouse.is_local else lakehouse.storage_options.get("AWS_ENDPOINT_URL", "Amazon S3")


def _remove(lakehouse: Lakehouse, name: str) -> None:
    """Take the table away. (pyarrow's file system would leave markers for the folders that held it.)"""
    if lakehouse.is_local:
        shutil.rmtree(lakehouse.uri(name), ignore_errors=True)
        return
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, _, prefix = lakehouse.uri(name).removeprefix("s3://").partition("/")
    try:
        client = s3_resource(lakehouse.storage_options).get_client()
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
            for found in page.get("Contents", ()):
                client.delete_object(Bucket=bucket, Key=found["Key"])
    except (BotoCoreError, ClientError) as error:
        raise _refused(lakehouse, error) from error
