"""One POST of JSON, as webhooks want it: verified TLS, no redirect followed, the environment's proxy respected."""

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from resources.notifications.channel import TIMEOUT_SECONDS, NotDelivered, scrubbed

REFUSED_FOR_GOOD = (400, 410, 413, 422)
"""Answers to what was sent. Any other (a proxy's, a wrong token, too many requests) may change or be mended."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an answer like any other: the document goes where it was meant to go, or nowhere."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        """Follow nothing."""


def encoded(document: Mapping[str, Any]) -> bytes:
    """A document as the bytes that are sent and signed."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: tuple[str, ...] = (),
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """POST JSON; returning means that the receiver answered 2xx. Raises NotDelivered without any of the secrets."""
    where = f"webhook at {urlsplit(url).hostname}"
    opener = urllib.request.build_opener(
        urllib.request.HTTPSHandler(context=ssl.create_default_context()), _NoRedirect()
    )
    headers = {"Content-Type": "application/json", "User-Agent": "ml-data-platform", **headers}
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")
        with opener.open(request, timeout=timeout):
            return
    except urllib.error.HTTPError as error:
        with error:
            raise NotDelivered(
                scrubbed(f"it answered {error.code} {error.reason}: {_said(error)}", url, *secrets),
                where=where,
                permanent=error.code in REFUSED_FOR_GOOD,
                retry_after=_retry_after(error.headers.get("Retry-After", "")),
            ) from None
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        told = scrubbed(f"{type(reason).__name__}: {reason}", url, *secrets)
        raise NotDelivered(told, where=where) from None


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return error.read(500).decode(errors="replace")
    except (OSError, HTTPException):
        return ""


def _retry_after(value: str) -> timedelta | None:
    """RFC 9110, 10.2.3: seconds, or an instant."""
    if value.isdigit():
        return timedelta(seconds=min(int(value), 10**6))
    try:
        instant = parsedate_to_datetime(value)
    except ValueError:
        return None
    return instant.replace(tzinfo=instant.tzinfo or UTC) - datetime.now(UTC)
