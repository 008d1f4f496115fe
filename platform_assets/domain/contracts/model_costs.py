"""The contract of `model_costs`: what every model cost on a day, by stage."""

from platform_assets.domain.contracts.contract import Column, Contract, RowRule

MODEL_COSTS = Contract(
    name="model_costs",
    description="One row is what a model cost on a UTC day in one stage; `shared` is what no single model owns.",
    key=("run_date", "model", "stage"),
    partition_column="run_date",
    columns=(
        Column("run_date", "date", "The day (UTC) on which the seconds were spent, whatever days were computed.",
               nullable=False),
        Column("model", "string", "Name of the model, or `shared`.", nullable=False),
        Column("stage", "string", "training_set, training, gate, scoring, validation or drift; of `shared` the folder.",
               nullable=False),
        Column("runs", "int64", "Runs that worked on it.", nullable=False),
        Column("attempts", "int64", "Attempts of steps, the failed and the retried ones among them.", nullable=False),
        Column("failed", "int64", "Attempts that failed on this day.", nullable=False),
        Column("died", "int64", "Attempts whose process went without a word; their seconds are an upper bound.",
               nullable=False),
        Column("seconds", "float64", "Seconds of all attempts that lay on this day.", nullable=False),
        Column("rows", "int64", "Rows that were published, for training the rows that were learnt from.",
               nullable=False),
        Column("cost_per_hour", "float64", "PLATFORM_COST_PER_HOUR when this was computed.", nullable=False),
        Column("cost", "float64", "Seconds at that rate.", nullable=False),
    ),
    rules=(
        RowRule("seconds_negative", "no step takes less than no time", lambda table: table.seconds >= 0),
        RowRule("too_many_runs", "every run made an attempt", lambda table: table.runs <= table.attempts),
    ),
)  # fmt: skip
