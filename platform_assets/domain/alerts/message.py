"""The words of a message: subject, plain text and HTML, of one alert or of many in one digest.

Slack's form of it stands in `slack`, the document for other programs in `document`.
"""

from dataclasses import dataclass
from html import escape

from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.log import SEVERITIES, digest_of

LONGEST_SUBJECT = 150
LONGEST_LINE = 600
"""Longer sentences (an error with its stack) are cut; the link leads to all of it."""
_COLOURS = {"error": "#b3261e", "warning": "#8a5a00", "info": "#1f5fa8", "resolved": "#1e7a3c"}


@dataclass(frozen=True)
class Message:
    """What is sent to one recipient at once. `message_id` is the same for the same alerts, however often it is sent."""

    alerts: tuple[Alert, ...]
    recipient: str

    @property
    def message_id(self) -> str:
        """An id by which a receiver knows a message that it has got already."""
        ids = [alert.alert_id for alert in self.alerts]
        return digest_of(self.recipient, *ids)

    @property
    def gravest(self) -> Alert:
        """The alert that the subject begins with."""
        return max(self.alerts, key=lambda alert: (not alert.resolved, SEVERITIES.index(alert.severity)))


def subject(message: Message) -> str:
    """One line without line ends, at most `LONGEST_SUBJECT` characters."""
    first = message.gravest
    if len(message.alerts) > 1:
        subjects = list(dict.fromkeys(alert.subject for alert in message.alerts))
        return cut(f"[{label(first)}] {len(message.alerts)} alerts: {', '.join(subjects)}", LONGEST_SUBJECT)
    shown = f" ({first.partitions[0]}{' …' if len(first.partitions) > 1 else ''})" if first.partitions else ""
    return cut(f"[{label(first)}] {first.subject}{shown}: {first.what}", LONGEST_SUBJECT)


def plain_text(message: Message) -> str:
    """The message as plain text."""
    return "\n\n".join("\n".join(_lines(alert)) for alert in message.alerts) + "\n"


def html(message: Message) -> str:
    """The message as HTML that every mail program shows: no style sheet, no picture, nothing loaded from elsewhere."""
    body = "".join(_section(alert) for alert in message.alerts)
    font = "font-family:Helvetica,Arial,sans-serif;font-size:14px;line-height:1.45;color:#1d1d1f"
    return f'<!doctype html><html><body style="{font};max-width:680px;margin:0;padding:16px">{body}</body></html>\n'


def label(alert: Alert) -> str:
    """`resolved`, or how grave it is."""
    return "resolved" if alert.resolved else alert.severity


def item_lines(alert: Alert) -> list[str]:
    """What it tells of, one by one, where that is more than the headline says."""
    if alert.count <= 1:
        return []
    lines = [
        cut(" ".join(filter(None, [item.name, f"({item.partition})" if item.partition else ""])) + f": {item.what}")
        for item in alert.items
    ]
    return lines + ([f"… and {alert.count - len(alert.items)} more"] if alert.count > len(alert.items) else [])


def facts(alert: Alert) -> list[tuple[str, str]]:
    """Who, which partition, since when, what to do and where to look; what is not known is left out."""
    shown = ", ".join(alert.partitions[:3]) + (" …" if len(alert.partitions) > 3 else "")
    given = [
        ("Partition", shown),
        ("Owner", alert.owner),
        ("Raised", f"{alert.raised_at:%Y-%m-%d %H:%M} UTC"),
        ("Next step", alert.next_step),
        ("Look at", alert.link),
        ("Alert", alert.alert_id),
    ]
    return [(name, value) for name, value in given if value]


def cut(text: str, longest: int = LONGEST_LINE) -> str:
    """One line of at most so many characters, without control characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _lines(alert: Alert) -> list[str]:
    items = [f"  - {line}" for line in item_lines(alert)]
    named = [f"{name + ':':<11}{cut(value)}" for name, value in facts(alert)]
    return [f"[{label(alert)}] {alert.subject}: {cut(alert.what)}", *items, "", *named]


def _section(alert: Alert) -> str:
    colour = _COLOURS[label(alert)]
    items = "".join(f"<li>{escape(line)}</li>" for line in item_lines(alert))
    rows = "".join(
        f'<tr><td style="padding:1px 14px 1px 0;color:#6e6e73;vertical-align:top;white-space:nowrap">{name}</td>'
        f'<td style="padding:1px 0">{_value(name, value)}</td></tr>'
        for name, value in facts(alert)
    )
    return (
        f'<div style="border-left:4px solid {colour};padding:2px 0 2px 12px;margin:0 0 20px">'
        f'<div style="font-size:12px;font-weight:bold;color:{colour}">{label(alert).upper()}</div>'
        f'<div style="font-size:16px;font-weight:bold">{escape(alert.subject)}</div>'
        f'<div style="margin:4px 0 8px">{escape(cut(alert.what))}</div>'
        + (f'<ul style="margin:0 0 8px;padding-left:20px">{items}</ul>' if items else "")
        + f'<table style="border-collapse:collapse;font-size:13px">{rows}</table></div>'
    )


def _value(name: str, value: str) -> str:
    shown = escape(cut(value))
    return f'<a href="{escape(value)}">{shown}</a>' if name == "Look at" else shown
