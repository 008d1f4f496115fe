"""`platform alerts`: what was told, what is on its way, what was given up, and whether a target can be reached."""

import os
from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer
from rich.table import Table

from platform_assets.cli.printed_table import print_table
from platform_assets.domain.alerts.alert import Alert
from platform_assets.domain.alerts.alerts_file import load_recipients
from platform_assets.domain.alerts.deliveries import CLAIMED, PENDING, deliveries, outbox_health
from platform_assets.domain.alerts.log import DEAD, FIRING, INFO, RAISED, REQUEUED, AlertEvent
from platform_assets.domain.alerts.message import Message, cut, label, plain_text
from platform_assets.domain.errors import PlatformError
from platform_assets.domain.yaml_lines import nearest
from resources.lakehouse.store_safety import require_safe_store
from resources.lakehouse.tables import Lakehouse
from resources.notifications.outbox import Outbox
from resources.notifications.sweep import channel_of, utc_now
from resources.settings import Settings, load_settings

app = typer.Typer(help="Alerts: list, show, retry what was given up, test a target.", no_args_is_help=True)


class DeadLetters(PlatformError):
    """Alerts were given up: nobody got them."""


class NoSuchAlert(PlatformError):
    """No alert has this id."""


class TargetNotReached(PlatformError):
    """A test message did not arrive."""


@app.command("list")
def list_alerts(
    most: Annotated[int, typer.Option("--last", min=1, help="So many, the newest last.")] = 30,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 if an alert was given up.")] = False,
) -> None:
    """List alerts with what became of their deliveries, and how the outbox stands."""
    events = _outbox(load_settings()).events()
    alerts = [Alert.from_event(event) for event in events if event.event == RAISED]
    found = deliveries(events)
    shown = Table("raised (UTC)", "alert", "", "subject", "partition", "what", "deliveries", header_style="bold")
    for alert in alerts[-most:]:
        states = Counter(delivery.state for (alert_id, _), delivery in found.items() if alert_id == alert.alert_id)
        told = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "for nobody"
        partitions = ", ".join(alert.partitions[:2]) + (" …" if len(alert.partitions) > 2 else "")
        row = (f"{alert.raised_at:%Y-%m-%d %H:%M}", alert.alert_id, label(alert), alert.subject, partitions)
        shown.add_row(*row, cut(alert.what, 160), told)
    print_table(shown)
    health = outbox_health(events)
    waiting = f", the oldest since {health.oldest:%Y-%m-%d %H:%M} UTC" if health.oldest else ""
    typer.echo(f"{health.pending} on their way{waiting}; {health.dead} given up; {health.unaddressed} for nobody")
    if strict and health.dead:
        raise DeadLetters(
            f"{health.dead} deliveries were given up",
            where="alert_events",
            todo="docs/runbooks/alert-not-delivered.md",
        )


@app.command("show")
def show(
    alert_id: Annotated[str, typer.Argument(help="As `platform alerts list` gives it; a beginning will do.")],
) -> None:
    """Show an alert as it is told, and every delivery with its last error."""
    events = _outbox(load_settings()).events()
    alert = _alert(events, alert_id)
    typer.echo(plain_text(Message((alert,), "")))
    shown = Table("recipient", "state", "attempts", "next attempt (UTC)", "last error", header_style="bold")
    for delivery in deliveries(events).values():
        if delivery.alert.alert_id == alert.alert_id:
            due = f"{delivery.due_at:%Y-%m-%d %H:%M}" if delivery.state in (PENDING, CLAIMED) else ""
            shown.add_row(delivery.recipient, delivery.state, str(delivery.attempts), due, delivery.error)
    print_table(shown)


@app.command("retry")
def retry(
    alert_id: Annotated[str, typer.Argument(help="One alert; none named: every one that was given up.")] = "",
) -> None:
    """Have the sweeper deliver, with its next tick, what was given up and what waits for its next attempt."""
    settings = load_settings()
    lakehouse = Lakehouse(settings.lake_root)
    require_safe_store(lakehouse, settings.safe_stores_file)
    outbox = _outbox(settings)
    wanted = _alert(outbox.events(), alert_id).alert_id if alert_id else ""
    now = utc_now()

    def again(log: Sequence[AlertEvent]) -> list[AlertEvent]:
        return [
            delivery.event(REQUEUED, now, due_at=now)
            for delivery in deliveries(log).values()
            if (delivery.alert.alert_id == wanted or not wanted) and delivery.state in (DEAD, PENDING)
        ]

    typer.echo(f"{len(outbox.update(again))} deliveries are due now")


@app.command("test")
def test(target: Annotated[str, typer.Argument(help="A target of the alerts file.")]) -> None:
    """Send a message to a target now, past the outbox. Exit code 1 if it did not arrive, with the reason."""
    settings = load_settings()
    recipients = load_recipients(settings.alerts_file)
    recipients.require((target,), "platform alerts test")
    failed = []
    for recipient in recipients.targets[target].recipients:
        try:
            channel_of(recipients, recipient, os.environ).send(Message((_test_alert(target),), recipient))
            typer.echo(f"{recipient}: taken over")
        except PlatformError as error:
            failed.append(recipient)
            typer.echo(f"{recipient}: {error}")
    if failed:
        raise TargetNotReached(
            f"{len(failed)} of {len(recipients.targets[target].recipients)} recipients were not reached",
            where=f"alert target {target}",
            todo="mend what it says above; docs/runbooks/alert-not-delivered.md",
        )


def _outbox(settings: Settings) -> Outbox:
    return Outbox(Lakehouse(settings.lake_root), settings.staging_folder)


def _alert(events: Sequence[AlertEvent], alert_id: str) -> Alert:
    known = {event.alert_id or "": event for event in events if event.event == RAISED}
    named = [each for each in known if each.startswith(alert_id)]
    if len(named) != 1:
        what = (
            f"{len(named)} alerts begin with {alert_id}"
            if named
            else f"no alert is {alert_id}{nearest(alert_id, known)}"
        )
        raise NoSuchAlert(what, where="alert_events", todo="`platform alerts list` gives the ids")
    return Alert.from_event(known[named[0]])


def _test_alert(target: str) -> Alert:
    now = utc_now()
    return Alert(
        alert_id=f"test-{now:%Y%m%dT%H%M%S}",
        kind="check",
        subject="platform alerts test",
        state=FIRING,
        severity=INFO,
        owner="",
        what=f"this is a test of the target {target}; nothing has failed",
        next_step="none: whoever reads this can be reached",
        link=load_settings().ui_url,
        items=(),
        count=0,
        topics=(),
        targets=(target,),
        raised_at=now,
    )
