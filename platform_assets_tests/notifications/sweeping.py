"""One sweep in a process of its own, so that it can be killed: `python -m ... <lake> <staging> <address>`."""

import sys
from datetime import datetime
from pathlib import Path

from platform_assets.domain.alerts.targets import Recipients, WebhookTarget
from resources.lakehouse.tables import Lakehouse
from resources.notifications.outbox import Outbox
from resources.notifications.sweep import sweep


def to_webhook(url: str) -> Recipients:
    return Recipients({"operators": WebhookTarget("operators", url)}, ("operators",))


if __name__ == "__main__":
    lake, staging, url, now = sys.argv[1:]
    outbox = Outbox(Lakehouse(lake), Path(staging))
    sweep(outbox, to_webhook(url), clock=lambda: datetime.fromisoformat(now))
