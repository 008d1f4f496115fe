"""How an s3:// address is reached: one place that says endpoint, region, credentials, patience, for every client.

delta-rs reads and writes the Delta log, pyarrow uploads data files and reads landed ones, boto3 (through dagster-aws)
tidies up. All three get what the AWS environment variables say from here; credentials that are not given they find
by themselves (environment, profile, role of the machine). What lies in a store is no business of this module.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from platform_assets.domain.errors import ConfigurationError, PlatformError

ATTEMPTS = 60
"""How often one request is made at most. With `PATIENCE_SECONDS` it outlasts a store that is away for some seconds;
the defaults of delta-rs give up after two."""
PATIENCE_SECONDS = 120
LONGEST_PAUSE_SECONDS = 3
"""Between two attempts; left alone it grows to 15 seconds, and most of a short outage would be waited for twice."""
REQUEST_SECONDS = 60
"""A request without an answer for so long is made again. Shorter would give up on uploads that are still under way:
a commit would then be reported as an error and land afterwards."""
CONNECT_SECONDS = 5
UPLOAD_ATTEMPTS = 12
"""Of pyarrow, whose pauses double up to 20 seconds: about two minutes in all."""


class StoreUnavailable(PlatformError, OSError):
    """A store didn't answer, refused, or answered with an error, also when asked again."""


def told(error: Exception) -> str:
    """What a client says of an error, in one line and without the colours of a terminal."""
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|↳", "", str(error)).split())


@contextmanager
def naming_the_store(place: str) -> Iterator[None]:
    """Turn what a client says of a remote place into StoreUnavailable; errors of a local folder stay what they are."""
    try:
        yield
    except StoreUnavailable:
        raise
    except OSError as error:
        if not is_remote(place):
            raise
        raise StoreUnavailable(
            told(error),
            where=place,
            todo="see whether the store answers and the AWS variables are right, then run again: it is safe",
        ) from error


def is_remote(address: str) -> bool:
    """Whether a place is an address (s3://...) and no folder."""
    return "://" in address


def delta_options(address: str, given: Mapping[str, str]) -> dict[str, str]:
    """Storage options of delta-rs for a place: those `given` win over the AWS environment, that over the defaults.

    Credentials of the environment are left where they are; delta-rs reads them itself. A local folder has no options.
    """
    if not is_remote(address):
        return dict(given)
    given = {name.upper() if name.upper().startswith("AWS_") else name: value for name, value in given.items()}
    options = {
        "max_retries": str(ATTEMPTS),
        "retry_timeout": f"{PATIENCE_SECONDS}s",
        "backoff_config.max_backoff": f"{LONGEST_PAUSE_SECONDS}s",
        "timeout": f"{REQUEST_SECONDS}s",
        "connect_timeout": f"{CONNECT_SECONDS}s",
    }
    if endpoint := given.get("AWS_ENDPOINT_URL") or _endpoint_of_environment():
        # Whoever writes http:// into the address means it; without this option it is refused.
        options |= {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": str(endpoint.startswith("http://")).lower()}
    if region := _region_of_environment():
        options["AWS_REGION"] = region
    return options | given


def open_place(address: str, given: Mapping[str, str] | None = None) -> tuple[Any, str]:
    """A pyarrow file system and the path in it of a folder or an address.

    An s3:// address may end in `?region=...&endpoint_override=...&scheme=...`, which win over the environment.
    `given` are options of delta-rs. Raises ConfigurationError for an option that is not known.
    """
    from pyarrow import fs

    if not is_remote(address):
        return fs.LocalFileSystem(), Path(address).absolute().as_posix()
    place, _, query = address.partition("?")
    if not place.startswith("s3://") or "@" in place:
        filesystem, path = fs.FileSystem.from_uri(address)
        return filesystem, path.rstrip("/")
    options = delta_options(place, given or {})
    attempts = min(UPLOAD_ATTEMPTS, int(options["max_retries"]) + 1)
    endpoint = options.get("AWS_ENDPOINT_URL", "")
    _send_what_other_servers_understand(endpoint)
    reached = {
        "region": options.get("AWS_REGION"),
        "scheme": endpoint.partition("://")[0] or None,
        "endpoint_override": endpoint.partition("://")[2].rstrip("/") or None,
    }
    asked = {name: values[-1] for name, values in parse_qs(query).items()}
    if unknown := sorted(asked.keys() - reached.keys()):
        raise ConfigurationError(
            f"the address has the unknown option {unknown[0]}", where=address, todo=f"use {', '.join(reached)}"
        )
    filesystem = fs.S3FileSystem(
        **reached | asked,
        access_key=options.get("AWS_ACCESS_KEY_ID"),
        secret_key=options.get("AWS_SECRET_ACCESS_KEY"),
        session_token=options.get("AWS_SESSION_TOKEN"),
        request_timeout=float(options["timeout"].removesuffix("s")),
        connect_timeout=float(options["connect_timeout"].removesuffix("s")),
        # A small file is one request instead of the three of an upload in parts.
        allow_delayed_open=True,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=attempts),
    )
    return filesystem, place.removeprefix("s3://").rstrip("/")


def s3_resource(given: Mapping[str, str] | None = None) -> Any:
    """dagster-aws' S3 resource with the same endpoint, region and credentials; `get_client()` gives a boto3 client."""
    from dagster_aws.s3 import S3Resource

    options = delta_options("s3://", given or {})
    _send_what_other_servers_understand(options.get("AWS_ENDPOINT_URL", ""))
    return S3Resource(
        endpoint_url=options.get("AWS_ENDPOINT_URL"),
        region_name=options.get("AWS_REGION"),
        aws_access_key_id=options.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=options.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=options.get("AWS_SESSION_TOKEN"),
    )


def _send_what_other_servers_understand(endpoint: str) -> None:
    """Amazon's newer clients send checksums behind the body, which servers that are not Amazon's answer with an error
    (Ceph RGW 16: 411). The clients take this from the environment only; a value that is there stays."""
    if endpoint and "amazonaws.com" not in endpoint:
        os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
        os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")


def _endpoint_of_environment() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _region_of_environment() -> str | None:
    return os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
