"""Who is told: the declared targets, and which of them an alert goes to. Read by `alerts_file`.

A secret is never held here, only the name of the environment variable that has it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from platform_assets.domain.alerts.log import SEVERITIES, digest_of
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.yaml_lines import nearest

ENVIRONMENT = re.compile(r"\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
"""A value that stands in an environment variable."""
Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True)
class MailServer:
    """How mail is handed over. `user` and `password` may be `{env:NAME}`, the password must be."""

    host: str
    port: int
    security: Security = "starttls"
    user: str = ""
    password: str = ""
    authorities: str = ""
    """A file of certificate authorities to trust instead of the system's; for a server with one of its own."""


@dataclass(frozen=True)
class EmailTarget:
    """Mail to some addresses, each of them a recipient of its own."""

    name: str
    sender: str
    addresses: tuple[str, ...]
    server: MailServer

    @property
    def recipients(self) -> dict[str, str]:
        """Recipients with their addresses. A second address tells itself by a digest: the table holds no address."""
        if len(self.addresses) == 1:
            return {self.name: self.addresses[0]}
        return {f"{self.name}/{digest_of(address)[:6]}": address for address in self.addresses}


@dataclass(frozen=True)
class SlackTarget:
    """A channel by its incoming webhook; the address is a secret and therefore `{env:NAME}`."""

    name: str
    url: str

    @property
    def recipients(self) -> dict[str, str]:
        """One recipient."""
        return {self.name: ""}


@dataclass(frozen=True)
class WebhookTarget:
    """An address that takes the JSON document; with a secret (`{env:NAME}`) every request is signed."""

    name: str
    url: str
    secret: str = ""

    @property
    def recipients(self) -> dict[str, str]:
        """One recipient."""
        return {self.name: ""}


Target = EmailTarget | SlackTarget | WebhookTarget


@dataclass(frozen=True)
class Route:
    """Alerts of an owner (None: of anybody) from a severity on go to these targets, beside those of other routes."""

    owner: str | None
    at_least: str
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Recipients:
    """The declared targets by name, who gets what nobody else gets, and the routes."""

    targets: Mapping[str, Target] = field(default_factory=dict)
    defaults: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()

    def route(self, owner: str, severity: str, own: tuple[str, ...]) -> tuple[str, ...]:
        """The recipients of an alert: those its subject names, else those of the routes, else the defaults.

        A name that is no longer declared is kept; its delivery says so and is given up.
        """
        fitting = [
            name
            for route in self.routes
            if route.owner in (None, owner) and SEVERITIES.index(severity) >= SEVERITIES.index(route.at_least)
            for name in route.targets
        ]
        names = dict.fromkeys(own or fitting or self.defaults)
        return tuple(
            recipient
            for name in names
            for recipient in (self.targets[name].recipients if name in self.targets else [name])
        )

    def of_recipient(self, recipient: str) -> tuple[Target, str]:
        """The target of a recipient, with its address where it has one. Raises ConfigurationError for no such one."""
        target = self.targets.get(recipient.partition("/")[0])
        if target is None or recipient not in target.recipients:
            raise ConfigurationError(
                f"no target has the recipient {recipient}{nearest(recipient, self.targets)}",
                where="the alerts file",
                todo="declare it, then `platform alerts retry`",
            )
        return target, target.recipients[recipient]

    def require(self, names: Sequence[str], where: str) -> None:
        """Raise ConfigurationError unless all the names are declared."""
        unknown = [name for name in names if name not in self.targets]
        if unknown:
            known = f"declared are {', '.join(self.targets)}" if self.targets else "none is declared"
            raise ConfigurationError(
                f"no alert target is named {unknown[0]}{nearest(unknown[0], self.targets)}; {known}",
                where=where,
                todo="declare it in the alerts file (PLATFORM_ALERTS_FILE), or leave it out",
            )
