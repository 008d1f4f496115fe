"""A message as a JSON document for other programs. Its form has a version: fields are added, never changed."""

from dataclasses import asdict
from typing import Any

from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.message import Message

SCHEMA, VERSION = "platform.alerts", 1


def alert_document(message: Message) -> dict[str, Any]:
    """The document of a message. A receiver drops what it knows by `message_id`, or each alert by its `alert_id`."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "message_id": message.message_id,
        "alerts": [_alert(alert) for alert in message.alerts],
    }


def _alert(alert: Alert) -> dict[str, Any]:
    return {
        "alert_id": alert.alert_id,
        "state": alert.state,
        "severity": alert.severity,
        "kind": alert.kind,
        "subject": alert.subject,
        "owner": alert.owner,
        "partitions": list(alert.partitions),
        "what": alert.what,
        "items": [asdict(item) for item in alert.items],
        "item_count": alert.count,
        "next_step": alert.next_step,
        "link": alert.link,
        "raised_at": alert.raised_at.isoformat() + "Z",
    }
