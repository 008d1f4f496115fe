"""The contract of a source's corrections: records that people mended because the landed file says them wrongly.

How a correction is put in the place of the received record stands in `platform_assets.raw_events.corrections`.
"""

from platform_assets.domain.contracts.contract import Column, Contract, Pii

CORRECTIONS_SUFFIX = "_corrections"


def corrections_contract(raw_table: str) -> Contract:
    """One row is one landed record with the text that is read in its place."""
    return Contract(
        name=raw_table + CORRECTIONS_SUFFIX,
        description=f"One row is one landed record that {raw_table} reads with another text than the file holds.",
        key=("file", "line"),
        columns=(
            Column("landing_date", "date", "day on which the file arrived", nullable=False),
            Column("file", "string", "file that holds the record, as in the raw table", nullable=False),
            Column("line", "int64", "line on which the record begins, from 1", nullable=False),
            Column(
                "record", "string", "the text that is read instead of the received one", nullable=False, pii=Pii.RAW
            ),
            Column(
                "original_sha256",
                "string",
                "SHA-256 of the record as the raw table's reader received it",
                nullable=False,
            ),
            Column("corrected_at", "timestamp", "when the correction was stored", nullable=False),
            Column("batch", "string", "the release that stored it", nullable=False),
        ),
        partition_column="landing_date",
    )
