"""What every way out has in common: it takes a message, or says why not. Nothing here knows Dagster.

A channel has one method, `send`; when it returns, the receiver has taken the message over.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from platform_assets.domain.alerts.message import Message, cut
from platform_assets.domain.alerts.targets import ENVIRONMENT
from platform_assets.domain.errors import ConfigurationError, PlatformError

TIMEOUT_SECONDS = 8.0
"""For each step of a conversation; a sweep has its own limit over all of them."""
LONGEST_ANSWER = 300


class NotDelivered(PlatformError):
    """A message was not taken over. `permanent`: sending it again can't help. `retry_after`: not before then."""

    def __init__(
        self, what: str, *, where: str = "", permanent: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(what, where=where, todo="see what the receiver says; it is tried again by itself")
        self.permanent, self.retry_after = permanent, retry_after


class Channel(Protocol):
    """One way out."""

    def send(self, message: Message) -> None:
        """Hand a message over. Raises NotDelivered."""
        ...


def filled(value: str, environment: Mapping[str, str], where: str) -> str:
    """A value of the alerts file, `{env:NAME}` replaced. Raises ConfigurationError where the variable is not set."""
    found = ENVIRONMENT.fullmatch(value)
    if found is None:
        return value
    if not environment.get(found[1]):
        raise ConfigurationError(
            f"the environment variable {found[1]} is not set",
            where=where,
            todo="set it where the daemon and its code server run; alerts are tried again by themselves",
        )
    return environment[found[1]]


def scrubbed(text: str, *secrets: str) -> str:
    """What a receiver or a library said, in one short line, without the secrets that it may repeat."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return cut(text, LONGEST_ANSWER)
