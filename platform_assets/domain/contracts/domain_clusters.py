"""The contract of `domain_clusters`: which domains are visited together, as known when a day begins."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

DOMAIN_CLUSTERS = Contract(
    name="domain_clusters",
    description="One row is a domain that was visited often enough in the 28 days before a day, and the cluster of "
    "domains that it belongs to when that day begins.",
    key=("event_date", "domain"),
    columns=(
        Column(
            "event_date", "date", "The day (UTC) at whose begin this is known; nothing of it is in.", nullable=False
        ),
        Column("domain", "string", "The domain, in lower case, without www.", nullable=False),
        Column(
            "cluster",
            "int64",
            "Number of the cluster, from 1; it keeps its meaning from one published day to the next.",
            nullable=False,
        ),
        Column(
            "cluster_name",
            "string",
            "The category that dominates the cluster, else the domains at its heart.",
            nullable=False,
        ),
        Column(
            "similarity", "float64", "Cosine between the domain and its cluster's centre, at most 1.", nullable=False
        ),
        Column("sessions_28d", "int64", "Sessions with the domain in the 28 days before.", nullable=False),
        Column("previous_cluster", "int64", "Its cluster on the published day before; null if it had none."),
        Column("model_name", "string", "The registered embedding.", nullable=False),
        Column("model_version", "int64", "Its version.", nullable=False),
        Column("trained_until", "date", "The last event day that the embedding has seen.", nullable=False),
    ),
    rules=(
        RowRule("cluster_positive", "clusters are numbered from 1", lambda table: table.cluster >= 1),
        RowRule(
            "similarity_is_a_cosine", "similarity lies between -1 and 1", lambda table: table.similarity.between(-1, 1)
        ),
        RowRule(
            "trained_before",
            "nothing of the day itself was learnt from",
            lambda table: table.trained_until < table.event_date,
        ),
    ),
)
