"""The contract of `erased_persons`: who must not come back when landed files are read again."""

from platform_assets.domain.contracts.contract import Column, Contract

ERASED = "erased"
"""Reason of the declared drop: the record tells of a person who was erased."""

ERASED_PERSONS = Contract(
    name="erased_persons",
    description="One row is one identifier of an erased person, as a mark that nobody else's data holds.",
    key=("mark",),
    columns=(
        Column("mark", "string", "Keyed hash of the pseudonym, which itself stands nowhere any more.", nullable=False),
        Column("kind", "string", "What it was: login, cookie, device or ip.", nullable=False),
        Column("erased_at", "timestamp", "When it was erased (UTC).", nullable=False),
        Column("erasure_id", "string", "The erasure, as its report names it.", nullable=False),
    ),
    partition_column=None,
)
