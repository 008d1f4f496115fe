"""`<model>_champion`: the decision whether the challenger becomes champion, written down with its reason."""

from typing import TYPE_CHECKING

import dagster as dg
import ibis

from platform_assets.domain.contracts.model_tables import champion_contract
from platform_assets.domain.model_spec import ModelSpec
from platform_assets.table_asset import NOT_REPLAYABLE, table_asset
from resources.model_registry.model_version import ModelNotFound, ModelVersion
from resources.model_registry.resource import ModelRegistryResource

if TYPE_CHECKING:
    import pandas as pd

    from platform_assets.domain.modelling.promotion import Verdict
    from resources.model_registry.registry import ModelRegistry


def champion_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """The promotion of `spec`: unpartitioned, because there is one champion at a time."""
    contract = champion_contract(spec)

    @table_asset(
        contract,
        ins={"training_set": dg.AssetIn(spec.table("training_set"))},
        deps=[spec.table("model")],
        kinds=frozenset({"deltalake", "mlflow"}),
        declared=spec.fingerprint,
        metadata={
            NOT_REPLAYABLE: "a verdict moves the champion in the registry; replay the training set that it rests on"
        },
    )
    def promote(
        context: dg.AssetExecutionContext, training_set: ibis.Table, model_registry: ModelRegistryResource
    ) -> ibis.Table:
        """The last verdict: a challenger becomes champion only if it is shown to be better on later days.

        Both are scored on the challenger's held-out days; a first champion must beat the baselines. The lower end of
        the 95 % interval of the AUC difference must exceed the spec's margin, otherwise the champion stays.
        """
        registry = model_registry.registry
        challenger, champion = _challenger(registry, spec), registry.champion(spec.name)
        rows = training_set.filter(training_set.training_date == challenger.training_date).to_pandas()
        verdict = judge(registry, spec, rows, challenger, champion)
        registry.record_verdict(challenger, verdict)
        context.log.info(verdict.reason)
        context.add_output_metadata({"promoted": verdict.promoted, "reason": verdict.reason})
        return ibis.memtable(_verdict_row(challenger, champion, verdict), schema=contract.schema())

    return promote


def judge(
    registry: "ModelRegistry",
    spec: ModelSpec,
    rows: "pd.DataFrame",
    challenger: ModelVersion,
    champion: ModelVersion | None,
) -> "Verdict":
    """The verdict on a challenger, from the training set it was held out from; a repeated question gets no new one."""
    from platform_assets.domain.modelling.promotion import Verdict, baselines, judge_challenger, judge_first
    from platform_assets.domain.modelling.time_split import split_by_time

    known = registry.recorded_verdict(challenger)
    if known is not None and champion is not None and champion.version == challenger.version:
        return known
    if registry.is_rolled_back(challenger):
        return Verdict(False, f"refused: version {challenger.version} was rolled back; train a new one")
    split = split_by_time(rows, spec)
    scores = registry.load(challenger).score(split.holdout)
    if champion is None:
        return judge_first(split.holdout, scores, baselines(split.search, split.holdout, spec), spec=spec)
    rival = registry.load(champion).score(split.holdout)
    return judge_challenger(split.holdout, scores, rival, spec=spec, champion_trained_until=champion.trained_until)


def _challenger(registry: "ModelRegistry", spec: ModelSpec) -> ModelVersion:
    challenger = registry.challenger(spec.name)
    if challenger is None:
        raise ModelNotFound(
            "there is no challenger to judge",
            where=registry.registered_name(spec.name),
            todo=f"materialise {spec.table('model')} first",
        )
    return challenger


def _verdict_row(challenger: ModelVersion, champion: ModelVersion | None, verdict: "Verdict") -> "pd.DataFrame":
    import pandas as pd

    figures = ("auc", "auc_of_rival", "difference", "difference_low", "difference_high", "margin")
    counts = ("rows", "positives")
    row = {
        "model_name": challenger.name,
        "challenger_version": challenger.version,
        "training_date": challenger.training_date,
        "champion_version": champion.version if champion else None,
        "promoted": verdict.promoted,
        "reason": verdict.reason,
        **{name: int(verdict.numbers[name]) if name in verdict.numbers else None for name in counts},
        **{name: verdict.numbers.get(name) for name in figures},
    }
    return pd.DataFrame([row], dtype=object)
