"""Contracts of the tables that every model has, made from its spec: training set, champion verdict, scores, validation.

The feature columns keep the type, description and PII class of the feature table's own contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches

import ibis

from platform_assets.domain.contracts.contract import Column, Contract, Pii, RowRule
from platform_assets.domain.contracts.promotion_decisions import JUDGEMENT_COLUMNS
from platform_assets.domain.errors import ConfigurationError
from platform_assets.domain.model_spec import RESERVED_COLUMNS, FeatureColumns, ModelSpec

_MODEL_NAME = Column("model_name", "string", "Registered name of the model, three levels", nullable=False)
_MODEL_VERSION = Column("model_version", "int64", "Version of the model in the registry", nullable=False)
_TRAINED_UNTIL = Column(
    "trained_until", "date", "Last event day the model has seen, in a feature or a label", nullable=False
)
_IN_SAMPLE = Column(
    "in_sample", "boolean", "The model has seen this day: its score says nothing about quality", nullable=False
)


def training_set_contract(spec: ModelSpec, features: Mapping[str, Contract]) -> Contract:
    """One row per (feature day, entity) of the training set as of `training_date`.

    `features` are the contracts of the feature tables there are, by name. Raises ConfigurationError where the spec
    names a table or column that is none of them, or that can't be a feature.
    """
    return Contract(
        name=spec.table("training_set"),
        description=f"One row per {spec.entity} and feature day that {spec.name} may learn from as of a training date: "
        "features from strictly before the day, the label from the day on.",
        key=("training_date", "feature_date", spec.entity),
        partition_column="training_date",
        columns=(
            Column("training_date", "date", "The landing day that had just been completed", nullable=False),
            Column("feature_date", "date", "The day of the snapshot; features lie before it", nullable=False),
            _entity(spec),
            Column("label", "int8", _label_description(spec), nullable=False),
            *_feature_columns(spec, features),
        ),
        rules=(
            RowRule("label_not_binary", "label is 0 or 1", lambda table: table.label.isin([0, 1])),
            RowRule(
                "label_not_mature",
                "the label was final on the training date",
                lambda table: table.feature_date <= table.training_date - ibis.interval(days=spec.label.maturity_days),
            ),
        ),
        owner=spec.owner,
        version=2,
        migrations={1: lambda rows: rows},  # since version 2 a feature may be missing
    )


def feature_columns(training_set: Contract) -> tuple[str, ...]:
    """The columns of a training set's contract that come from feature tables."""
    names = training_set.column_names
    return names[names.index("label") + 1 :]


def champion_contract(spec: ModelSpec) -> Contract:
    """One row: the last verdict on a challenger. Earlier verdicts are earlier versions of the table."""
    return Contract(
        name=spec.table("champion"),
        description=f"The last decision whether a challenger becomes champion of {spec.name}, with reason and figures.",
        key=("model_name", "challenger_version"),
        partition_column=None,
        columns=(
            _MODEL_NAME,
            Column("challenger_version", "int64", "Version that was judged", nullable=False),
            Column("training_date", "date", "Training date of the challenger", nullable=False),
            Column("champion_version", "int64", "Champion before the decision; none before the first"),
            Column("promoted", "boolean", "The challenger is champion from now on", nullable=False),
            Column("reason", "string", "Why, in a sentence", nullable=False),
            *JUDGEMENT_COLUMNS,
        ),
        owner=spec.owner,
        version=2,
        migrations={1: lambda rows: rows.rename(value="auc", rival_value="auc_of_rival")},
    )


def scores_contract(spec: ModelSpec) -> Contract:
    """One row per scored entity of a day."""
    return Contract(
        name=spec.table("scores"),
        description=f"One row per {spec.entity} of a day: the champion's score, with the version that made it.",
        key=("event_date", spec.entity),
        columns=(
            Column("event_date", "date", "The day that is scored; features lie before it", nullable=False),
            _entity(spec),
            Column("score", "float64", f"Predicted chance: {_label_description(spec)}", nullable=False),
            _MODEL_NAME,
            _MODEL_VERSION,
            _TRAINED_UNTIL,
            _IN_SAMPLE,
        ),
        rules=(RowRule("score_out_of_range", "score lies in [0, 1]", lambda table: table.score.between(0, 1)),),
        owner=spec.owner,
    )


def validation_contract(spec: ModelSpec) -> Contract:
    """One row per scored day and model version, once the labels are final."""
    return Contract(
        name=spec.table("validation"),
        description=f"One row per day and version of {spec.name}: how its scores compare with what came true. A "
        "version whose scores were replaced keeps its row beside that of the version that replaced it.",
        key=("event_date", "model_version"),
        columns=(
            Column("event_date", "date", "The day that was scored", nullable=False),
            _MODEL_NAME,
            _MODEL_VERSION,
            _TRAINED_UNTIL,
            _IN_SAMPLE,
            Column("rows", "int64", "Scored rows", nullable=False),
            Column("positives", "int64", "Rows whose label came true", nullable=False),
            *_measured("auc", "Chance that a positive scores above a negative; none with one outcome only"),
            *_measured("log_loss", "Mean surprise in nats"),
            *_measured("brier", "Mean squared distance between score and outcome"),
            *_measured("calibration_error", "Mean distance of score and share that came true, ten equal bins"),
            Column("lift_top_decile", "float64", "Base rates that the best-scored tenth reaches"),
            *(
                Column(f"lift_decile_{number}", "float64", f"Base rates that tenth {number} reaches, best scored first")
                for number in range(1, 11)
            ),
            Column("is_current", "boolean", "The day's scores are of this version; else of one that replaced it"),
            Column("mature_at", "date", "Landing day that made the labels final", nullable=False),
        ),
        rules=(RowRule("positives_above_rows", "positives ≤ rows", lambda table: table.positives <= table.rows),),
        owner=spec.owner,
    )


def _measured(metric: str, description: str) -> tuple[Column, ...]:
    return (
        Column(metric, "float64", description),
        Column(f"{metric}_low", "float64", "Lower end of its 95 % interval"),
        Column(f"{metric}_high", "float64", "Upper end of its 95 % interval"),
        Column(f"expected_{metric}", "float64", "What the version had on its own holdout, where that was logged"),
    )


def _entity(spec: ModelSpec) -> Column:
    return Column(spec.entity, "string", "The mapped person, a pseudonym", nullable=False, pii=Pii.PSEUDONYM)


def _label_description(spec: ModelSpec) -> str:
    return f"{spec.label.outcome} within {spec.label.horizon_days} days from the day on"


def _feature_columns(spec: ModelSpec, features: Mapping[str, Contract]) -> tuple[Column, ...]:
    """Every number of the spec's feature tables, each as its table's contract describes it; any may be missing.

    Not only what the spec reads: so a spec can put a feature in or take it out without a change of the contract, and a
    champion that still reads it is judged on the same rows. Where tables share a name, it is the one's that the spec
    names, else the first one's.
    """
    named = {name: each.table for each in spec.features for name in each.columns}
    found: dict[str, Column] = {}
    for each in spec.features:
        for column in _numbers(each, spec, features):
            if named.get(column.name, each.table) == each.table:
                found.setdefault(column.name, replace(column, nullable=True))
    return tuple(found.values())


def _numbers(wanted: FeatureColumns, spec: ModelSpec, features: Mapping[str, Contract]) -> list[Column]:
    """All that can be a feature in a table, after a look at what the spec names of it."""
    where = f"model {spec.name!r}"
    if wanted.table not in features:
        raise ConfigurationError(
            f"there is no feature table {wanted.table!r}", where=where, todo=_nearest([wanted.table], sorted(features))
        )
    contract = features[wanted.table]
    if set(contract.key) != {wanted.date_column, spec.entity}:
        raise ConfigurationError(
            f"a row of {wanted.table} is one per ({', '.join(contract.key)}), "
            f"not one per ({wanted.date_column}, {spec.entity})",
            where=where,
            todo="name a table whose key is a day and the entity, and its day as date_column",
        )
    known = {column.name: column for column in contract.columns if column.name not in contract.key}
    if unknown := [name for name in wanted.columns if name not in known]:
        raise ConfigurationError(
            f"{wanted.table} has no columns {unknown}", where=where, todo=_nearest(unknown, sorted(known))
        )
    if wordy := [name for name in wanted.columns if not _is_number(known[name])]:
        raise ConfigurationError(
            f"columns {wordy} of {wanted.table} are not numbers",
            where=where,
            todo="name numeric or boolean columns",
        )
    return [column for name, column in known.items() if _is_number(column) and name not in RESERVED_COLUMNS]


def _nearest(unknown: Sequence[str], known: Sequence[str]) -> str:
    near = {name: get_close_matches(name, known, n=1) for name in unknown}
    hints = [f"{found[0]!r} for {name!r}" for name, found in near.items() if found]
    return f"did you mean {', '.join(hints)}?" if hints else f"use some of {', '.join(known)}"


def _is_number(column: Column) -> bool:
    dtype = ibis.dtype(column.dtype)
    return dtype.is_numeric() or dtype.is_boolean()
