"""`quarantine_share`: a table whose rows go to the quarantine in numbers has a source that changed or a rule that errs.

The rows are safe where they are, so the check warns and doesn't stop what comes after.
"""

import dagster as dg

from platform_assets.domain.contracts.contract import Contract
from resources.lakehouse.io_manager import DeltaIOManager

LIMIT = 0.01
"""Share of a partition's rows that may be quarantined: one in a hundred."""
SMALLEST_COUNT = 1
"""Up to this many quarantined rows are no trend, however few rows the partition has."""


def quarantine_share_check(contract: Contract, limit: float = LIMIT) -> dg.AssetChecksDefinition:
    """A check that no partition of the table has more than `limit` of its rows in the quarantine."""

    @dg.asset_check(
        asset=contract.name,
        name="quarantine_share",
        description=f"At most {limit:.0%} of a partition's rows are quarantined.",
    )
    def quarantine_share(lakehouse: dg.ResourceParam[DeltaIOManager]) -> dg.AssetCheckResult:
        notes = lakehouse.lakehouse.slice_notes(contract.name)
        shares = {
            partition: note.quarantined / (note.rows + note.quarantined)
            for partition, note in notes.items()
            if note.quarantined > SMALLEST_COUNT
        }
        over = {partition: share for partition, share in shares.items() if share > limit}
        worst = max(shares, key=lambda partition: (shares[partition], partition), default=None)
        return dg.AssetCheckResult(
            passed=not over,
            severity=dg.AssetCheckSeverity.WARN,
            description=_sentence(contract.name, over),
            metadata={
                "partitions_over_limit": len(over),
                "worst_partition": str(worst),
                "worst_share": shares.get(worst, 0.0) if worst is not None else 0.0,
                "quarantined_rows": sum(note.quarantined for note in notes.values()),
            },
        )

    return quarantine_share


def _sentence(table: str, over: dict[str, float]) -> str:
    if not over:
        return "No partition is over the limit."
    some = ", ".join(f"{partition} ({share:.1%})" for partition, share in sorted(over.items())[:3])
    return f"Over the limit: {some}. Look at the reasons: platform quarantine show {table}."
