"""What the gate asks of the registry before it judges: verified models, their scores of the held-out rows."""

from typing import TYPE_CHECKING

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.model_spec import ModelSpec
from resources.model_registry.imported.imported_code import ImportedCodeFailed
from resources.model_registry.model_version import (
    ModelTampered,
    ModelTypeNotTrusted,
    ModelVersion,
    SignatureMismatch,
    SignatureMissing,
)

if TYPE_CHECKING:
    import pandas as pd

    from platform_assets.domain.promotion.verdict import Objection, Verdict
    from resources.model_registry.registry import ModelRegistry

NOT_TO_BE_TRUSTED = (ModelTampered, ModelTypeNotTrusted, SignatureMissing, SignatureMismatch, ImportedCodeFailed)
"""What is wrong with a model itself, and refuses it. Anything else (no registry, a full disk) ends the run."""


def judge(
    registry: "ModelRegistry",
    spec: ModelSpec,
    training_set: Contract,
    rows: "pd.DataFrame",
    challenger: ModelVersion,
    champion: ModelVersion | None,
) -> "Verdict":
    """The verdict on a challenger, from the rows of the training set that it was held out from."""
    from platform_assets.domain.modelling.time_split import split_by_time
    from platform_assets.domain.promotion.baselines import baselines
    from platform_assets.domain.promotion.gate import (
        holdout_objections,
        judge_challenger,
        judge_first,
        personal_data_objections,
    )
    from platform_assets.domain.promotion.verdict import ROLLED_BACK, Objection, refused

    if registry.is_rolled_back(challenger):
        taken_out = f"version {challenger.version} was rolled back; train a new one"
        return refused([Objection(ROLLED_BACK, taken_out)])
    split = split_by_time(rows, spec)
    try:
        candidate = registry.load(challenger)
        scores = candidate.score(split.holdout)
    except NOT_TO_BE_TRUSTED as error:
        return refused([objection(error)])
    if unfit := holdout_objections(split.holdout, scores, challenger.trained_until):
        return refused(unfit)
    standing = personal_data_objections(candidate.features, training_set)
    if champion is None:
        rivals = baselines(split.search, split.holdout, spec)
        return judge_first(split.holdout, scores, rivals, spec=spec, objections=standing)
    try:
        rival = registry.load(champion).score(split.holdout)
    except NOT_TO_BE_TRUSTED as error:
        return refused([objection(error), *standing])
    return judge_challenger(
        split.holdout,
        scores,
        rival,
        spec=spec,
        champion_trained_until=champion.trained_until,
        base_rate=float(split.search["label"].mean()),
        objections=standing,
    )


def objection(error: Exception) -> "Objection":
    """What is wrong with a model, in the words of the error that says so."""
    from platform_assets.domain.promotion.verdict import CODE, DIGEST, SIGNATURE, UNTRUSTED, Objection

    rules: dict[type[Exception], str] = {
        ModelTampered: DIGEST,
        ModelTypeNotTrusted: UNTRUSTED,
        ImportedCodeFailed: CODE,
    }
    return Objection(rules.get(type(error), SIGNATURE), str(error))
