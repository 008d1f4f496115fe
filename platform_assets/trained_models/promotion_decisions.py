"""`promotion_decisions`: who decided what on the champion of which model, and why."""

from collections.abc import Sequence

import dagster as dg
import ibis

from platform_assets.domain.contracts.promotion_decisions import PROMOTION_DECISIONS
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.table_asset import NOT_REPLAYABLE, table_asset
from resources.model_registry.resource import ModelRegistryResource

SHOWN_DECISIONS = 20
"""So many of the newest decisions the UI shows."""

_SHOWN = ("decided_at", "model_name", "version", "decision", "decided_by", "champion_before", "reason")


def promotion_decisions_asset(specs: Sequence[ModelSpec]) -> dg.AssetsDefinition:
    """The decisions on all models of `specs`: unpartitioned, every publication holds the whole record."""

    @table_asset(
        PROMOTION_DECISIONS,
        deps=[spec.table("champion") for spec in specs],
        kinds=frozenset({"deltalake", "mlflow"}),
        metadata={NOT_REPLAYABLE: "it mirrors the registry's record, which only grows; materialise it instead"},
    )
    def record(context: dg.AssetExecutionContext, model_registry: ModelRegistryResource) -> ibis.Table:
        """Every decision on who is champion, as the registry recorded it: the gate's verdicts with the figures that
        they rest on, promotions by hand and rollbacks with who decided and why.

        Nothing is decided here: the table can be lost and made again.
        """
        from platform_assets.domain.promotion.decision import decision_rows

        registry = model_registry.registry
        rows = decision_rows([decision for spec in specs for decision in registry.decisions(spec.name)])
        newest = rows.sort_values(["decided_at", "model_name"], ascending=False).head(SHOWN_DECISIONS)
        shown = [dg.TableRecord(row) for row in newest[list(_SHOWN)].astype("str").to_dict("records")]
        if shown:
            context.add_output_metadata({"newest_decisions": dg.MetadataValue.table(shown)})
        return ibis.memtable(rows, schema=PROMOTION_DECISIONS.schema())

    return record
