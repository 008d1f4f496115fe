"""`silent_audiences`: an audience that nobody joins any more has a rule that is wrong, or a site that has changed.

Nothing is wrong with the rows, so the check warns and doesn't stop what comes after.
"""

from collections.abc import Sequence
from datetime import date, timedelta

import dagster as dg

from platform_assets.domain.audiences.audience import Audience
from platform_assets.domain.audiences.url_audiences import last_matches, silent_audiences
from platform_assets.domain.contracts.url_audiences import URL_AUDIENCES
from resources.lakehouse.io_manager import DeltaIOManager


def silent_audiences_check(audiences: Sequence[Audience]) -> dg.AssetChecksDefinition:
    """A check that every declared audience has a member with a matching event in its last `warn_after_days` days."""

    @dg.asset_check(
        asset=URL_AUDIENCES.name,
        name="silent_audiences",
        description="Every audience has a member with a matching event in the last days that its declaration names.",
    )
    def silent(lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.AssetCheckResult:
        published = sorted(lakehouse.lakehouse.slice_notes(URL_AUDIENCES.name))
        newest = date.fromisoformat(published[-1])
        longest = max(audience.warn_after_days for audience in audiences)
        days = [day for day in published if day > (newest - timedelta(days=longest)).isoformat()]
        last_days = last_matches(
            lakehouse.published_rows(URL_AUDIENCES.name, days)
        ).to_pyarrow()  # pandas would make instants of days
        matched = dict(zip(*(last_days[name].to_pylist() for name in ("audience", "last_event_date")), strict=True))
        found = silent_audiences(audiences, matched, date.fromisoformat(published[0]), newest)
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.WARN,
            description=_sentence(found),
            metadata={"newest_day": newest.isoformat(), "silent_audiences": dg.MetadataValue.json(found)},
        )

    return silent


def _sentence(found: dict[str, int]) -> str:
    if not found:
        return "Every audience has somebody who matched within its days."
    some = ", ".join(f"{name} (line {line})" for name, line in list(found.items())[:10])
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    return f"Nobody matches {some}{more}. See what the rules find: platform audiences check --day <day>."
