"""A message in Slack's form: blocks within Slack's limits.

Limits and escapes: https://docs.slack.dev/reference/block-kit/blocks and
https://docs.slack.dev/messaging/formatting-message-text (a header holds 150 characters, a section 3,000, a message 50
blocks; `&`, `<` and `>` are escaped).
"""

from typing import Any

from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.message import Message, cut, facts, item_lines, label, subject

LONGEST_HEADER, LONGEST_SECTION, MOST_BLOCKS = 150, 3_000, 50


def slack_document(message: Message) -> dict[str, Any]:
    """What is posted to an incoming webhook: blocks, and a text for notifications."""
    title = cut(subject(message), LONGEST_HEADER)
    sections = [_section(alert) for alert in message.alerts]
    room = MOST_BLOCKS - 2
    blocks = [{"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}, *sections[:room]]
    if len(sections) > room:
        blocks.append(_text(f"… and {len(sections) - room} more; `platform alerts` lists all of them."))
    return {"text": _escaped(title), "blocks": blocks}


def _section(alert: Alert) -> dict[str, Any]:
    lines = [f"*{label(alert)}* · *{_escaped(alert.subject)}*", _escaped(cut(alert.what))]
    lines += [f"• {_escaped(line)}" for line in item_lines(alert)]
    named = [f"*{name}:* {_shown(name, value)}" for name, value in facts(alert)]
    # What to do and where to look is never cut off: items give way.
    while len(lines) > 3 and len("\n".join([*lines, *named])) > LONGEST_SECTION - 20:
        lines.pop()
        if lines[-1] != "• …":
            lines[-1] = "• …"
    return _text("\n".join([*lines, *named])[:LONGEST_SECTION])


def _shown(name: str, value: str) -> str:
    return f"<{_escaped(value)}>" if name == "Look at" else _escaped(cut(value))


def _text(markdown: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": markdown}}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
