"""Webhooks: a Slack channel's, and any address that takes the JSON document `platform.alerts`."""

import hashlib
import hmac
import time
from dataclasses import dataclass, field

from platform_assets.domain.alerts.document import alert_document
from platform_assets.domain.alerts.message import Message
from platform_assets.domain.alerts.slack import slack_document
from resources.notifications.channel import TIMEOUT_SECONDS
from resources.notifications.posting import encoded, post

ID_HEADER = "X-Platform-Message-Id"
SIGNATURE_HEADER = "X-Platform-Signature"


@dataclass(frozen=True)
class SlackChannel:
    """A channel by the address of its incoming webhook. Whoever knows the address can write: it is a secret."""

    url: str = field(repr=False)
    timeout: float = TIMEOUT_SECONDS

    def send(self, message: Message) -> None:
        """Post the message. Raises NotDelivered."""
        # The last part of the address is its token; Slack's answers may repeat it.
        secrets = tuple(part for part in self.url.split("/")[3:] if part)
        post(self.url, encoded(slack_document(message)), {}, secrets=secrets, timeout=self.timeout)


@dataclass(frozen=True)
class Webhook:
    """An address that takes the JSON document. With a secret each request carries `t=<unix time>,v1=<signature>`.

    The signature is the hexadecimal HMAC-SHA256 of `<unix time>.<body>`: a receiver can refuse what is forged or old.
    """

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    timeout: float = TIMEOUT_SECONDS

    def send(self, message: Message) -> None:
        """Post the message. Raises NotDelivered."""
        body = encoded(alert_document(message))
        headers = {ID_HEADER: message.message_id}
        if self.secret:
            headers[SIGNATURE_HEADER] = signature(self.secret, body, int(time.time()))
        post(self.url, body, headers, secrets=(self.secret,), timeout=self.timeout)


def signature(secret: str, body: bytes, sent_at: int) -> str:
    """The signature of a body sent at a Unix time."""
    signed = hmac.new(secret.encode(), f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={sent_at},v1={signed}"
