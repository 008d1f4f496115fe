"""What the UI keeps of a table's rows, for as long as Dagster keeps its events."""

import pyarrow as pa

from platform_assets.domain.contracts.contract import Column, Contract, Pii
from resources.compute.duckdb_engine import DuckDBEngine
from resources.lakehouse.publication_metadata import HIDDEN, preview

SEEN = Contract(
    name="seen",
    description="One row is one person seen.",
    key=("page",),
    columns=(
        Column("login", "string", "Who, as received.", pii=Pii.RAW),
        Column("user_id", "string", "Who, as a pseudonym.", pii=Pii.PSEUDONYM),
        Column("page", "string", "Where."),
    ),
    partition_column=None,
)


def test_a_preview_shows_nobody_as_received_nor_by_pseudonym(engine: DuckDBEngine) -> None:
    rows = engine.from_arrow("seen", pa.table({"login": ["bob@x.example"], "user_id": ["9f3c"], "page": ["/a|b"]}))
    shown = preview(rows, SEEN).value
    assert isinstance(shown, str)
    assert shown.splitlines()[-1] == f"| {HIDDEN} | {HIDDEN} | /a\\|b |"
