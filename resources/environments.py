"""The environments the platform runs in, as one table: what each presets where the settings say nothing.

A new environment is a new row. What can be set at all stands in `resources.settings`.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Environment:
    """One row. `public_demo_key` is known to everybody and therefore good for simulated data only.

    `days` bounds the daily partitions (None: they grow with the calendar). `simulated_sources` says which of the
    declared sources belong to the environment: the simulated ones or the real ones, never both in one lake.
    """

    description: str
    first_day: date
    days: int | None = None
    public_demo_key: str | None = None
    needs_remote_places: bool = False
    simulated_sources: bool = False


ENVIRONMENTS = {
    "demo": Environment(
        description="The simulated world on one machine, no account, no secret.",
        first_day=date(2026, 1, 5),
        days=60,
        public_demo_key="public-demo-key-for-simulated-data-only",
        simulated_sources=True,
    ),
    "laptop": Environment(
        description="Your own data on one machine; the pseudonym key is required.",
        first_day=date(2026, 1, 1),
    ),
    "s3": Environment(
        description="Lake and landing zone on S3, credentials from the AWS environment variables.",
        first_day=date(2026, 1, 1),
        needs_remote_places=True,
    ),
}
