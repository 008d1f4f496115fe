"""The section `alerts`: whether those who should know were told."""

from datetime import datetime, timedelta

from platform_assets.domain.alerts.deliveries import OutboxHealth
from platform_assets.domain.status.line import Line, Mark, how_long

SECTION = "alerts"
LONG = timedelta(minutes=30)
"""A delivery that waits for longer has failed some times."""


def alert_lines(health: OutboxHealth | None, now: datetime) -> list[Line]:
    """Pending and dead deliveries; `health` is None where no alert was ever raised, `now` is UTC."""
    if health is None:
        return [Line(SECTION, "outbox", Mark.OK, "no alert was ever raised")]
    figures = {
        "pending": health.pending,
        "dead": health.dead,
        "oldest": health.oldest,
        "unaddressed": health.unaddressed,
    }
    waits = now.replace(tzinfo=None) - health.oldest if health.oldest else timedelta(0)
    said = f"{health.pending} on their way, {health.dead} given up"
    if health.oldest:
        said += f"; the oldest waits since {how_long(waits)}"
    if health.unaddressed:
        said += f"; {health.unaddressed} for nobody"
    if health.dead or waits > LONG:
        todo = "`platform alerts list` says why; docs/runbooks/alert-not-delivered.md"
        return [Line(SECTION, "outbox", Mark.ACT, said, todo, figures)]
    if health.unaddressed:
        todo = "name a target in config/alerts.yaml: until then alerts are seen here and in the UI only"
        return [Line(SECTION, "outbox", Mark.WATCH, said, todo, figures)]
    return [Line(SECTION, "outbox", Mark.OK, said, figures=figures)]
