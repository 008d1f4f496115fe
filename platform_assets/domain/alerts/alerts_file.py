"""Reads `config/alerts.yaml`: who is told of what, or every mistake with its line, at once.

What targets and routes are stands in `targets`, YAML with lines in `yaml_lines`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from platform_assets.domain.alerts.log import INFO, SEVERITIES
from platform_assets.domain.alerts.targets import (
    ENVIRONMENT,
    EmailTarget,
    MailServer,
    Recipients,
    Route,
    Security,
    SlackTarget,
    Target,
    WebhookTarget,
)
from platform_assets.domain.yaml_lines import Entry, YamlFile, nearest

_KEYS = {
    "email": (("name", "kind", "from", "to", "smtp"), ("name", "kind", "from", "to", "smtp")),
    "slack": (("name", "kind", "url"), ("name", "kind", "url")),
    "webhook": (("name", "kind", "url", "secret"), ("name", "kind", "url")),
}
_ANY_KEY = ("name", "kind", "from", "to", "smtp", "url", "secret")
_SMTP = ("host", "port", "security", "user", "password", "authorities")
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


def load_recipients(path: Path | str) -> Recipients:
    """What a file declares. Without targets alerts stay in the table, where they are seen.

    Raises ConfigurationError whose `where` is `file:line` of the first mistake; its text lists all of them.
    """
    file = YamlFile(Path(path))
    given = file.top.entries(("targets", "default_targets", "routes"))
    targets: dict[str, Target] = {}
    for item in given["targets"].items() if "targets" in given else []:
        target = _target(item)
        if target and target.name in targets:
            item.problem(f"the name {target.name} is given twice")
        elif target:
            targets[target.name] = target
    declared = [name.text() for item in _items(given, "targets") if (name := item.entries(_ANY_KEY).get("name"))]
    known = [name for name in declared if name]
    defaults = _names(given, "default_targets", known)
    routes = [_route(item, known) for item in _items(given, "routes")]
    file.raise_problems(f"mend {path}; its head says what every key means")
    return Recipients(targets, defaults, tuple(routes))


def _target(item: Entry) -> Target | None:
    """One declaration; None if it is wrong (the problems are noted)."""
    kind_entry = item.entries(_ANY_KEY, required=("name", "kind")).get("kind")
    kind = kind_entry.choice(list(_KEYS)) if kind_entry else None
    if kind is None:
        return None
    known, required = _KEYS[kind]
    given = item.entries(known, required=required)
    name = given["name"].text() if "name" in given else None
    if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        given["name"].problem(f"{name} must be small letters, digits and _")
    if name is None or any(key not in given for key in required):
        return None
    if kind == "email":
        return _email(name, given)
    if kind == "slack":
        return SlackTarget(name, _secret(given, "url"))
    return WebhookTarget(name, _url(given["url"]), _secret(given, "secret"))


def _email(name: str, given: Mapping[str, Entry]) -> EmailTarget:
    to = given["to"].items() if given["to"].is_list() else [given["to"]]
    addresses = tuple(dict.fromkeys(_address(entry) for entry in to))
    if not addresses:
        given["to"].problem("names no address")
    return EmailTarget(name, _address(given["from"]), addresses, _server(given["smtp"]))


def _server(entry: Entry) -> MailServer:
    given = entry.entries(_SMTP, required=("host",))
    host = (given["host"].text() if "host" in given else None) or ""
    security = (given["security"].choice(list(_PORTS)) if "security" in given else None) or "starttls"
    port = given["port"].integer(at_least=1) if "port" in given else None
    if security == "none" and host not in _LOOPBACK:
        given.get("security", entry).problem("only a server on this machine may be spoken to without TLS")
    if ("user" in given) != ("password" in given):
        entry.problem("user and password belong together")
    if "password" in given and security == "none":
        given["password"].problem("is never sent without TLS")
    user = (given["user"].text() if "user" in given else "") or ""
    authorities = (given["authorities"].text() if "authorities" in given else "") or ""
    password = _secret(given, "password")
    return MailServer(host, port or _PORTS[security], cast(Security, security), user, password, authorities)


def _address(entry: Entry) -> str:
    text = entry.text() or ""
    if text and not _ADDRESS.fullmatch(text):
        entry.problem("is no mail address, such as data-team@example.org")
    return text


def _secret(given: Mapping[str, Entry], key: str) -> str:
    """A value that must stand in an environment variable, so that the file can be shown to anybody."""
    if key not in given:
        return ""
    text = given[key].text() or ""
    if text and not ENVIRONMENT.fullmatch(text):
        # What was written is not repeated: it may be the secret.
        given[key].problem("is a secret: put it into an environment variable and write {env:NAME}")
    return text


def _url(entry: Entry) -> str:
    text = entry.text() or ""
    if not text or ENVIRONMENT.fullmatch(text):
        return text
    parts = urlsplit(text)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        entry.problem("is no http(s) address")
    elif parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        entry.problem("only an address on this machine may do without https")
    elif parts.username or parts.password:
        entry.problem("holds a password: put the whole address into an environment variable and write {env:NAME}")
    return text


def _route(item: Entry, known: list[str]) -> Route:
    given = item.entries(("owner", "severity", "targets"), required=("targets",))
    owner = given["owner"].text() if "owner" in given else None
    severity = (given["severity"].choice(SEVERITIES) if "severity" in given else None) or INFO
    return Route(owner, severity, _names(given, "targets", known))


def _names(given: Mapping[str, Entry], key: str, known: list[str]) -> tuple[str, ...]:
    names = [(entry, entry.text()) for entry in _items(given, key)]
    for entry, name in names:
        if name and name not in known:
            entry.problem(f"no target is named {name}{nearest(name, known)}")
    return tuple(dict.fromkeys(name for _, name in names if name))


def _items(given: Mapping[str, Entry], key: str) -> list[Entry]:
    return given[key].items() if key in given else []
