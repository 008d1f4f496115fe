"""The next step that an alert names: what to do, and the runbook that fits, by what has happened."""

from platform_assets.domain.alerts.signals import Kind

RUNBOOKS = "docs/runbooks"

_BY_CHECK = {
    "quarantine_share": "read the reasons (`platform quarantine show <table>`): quarantine-grew.md",
    "landed_files_unchanged": "was the change meant? landed-file-changed.md",
    "source_fields": "compare the source's declaration with what it sends: contract-changed.md",
    "metric_holds": "look at the picture of the validation; a retraining is decided by itself: model-was-refused.md",
    "no_drift": "see what moved in the drift table, and whether the source did: contract-changed.md",
    "visits_categorised": "look whether a category map has stopped coming: landing-day-missing-or-late.md",
    "silent_audiences": "look whether its rule still fits the pages: `platform audiences check`",
}
_BY_ERROR = {
    "PublishedPartitionWouldBeEmptied": "published-partition-would-be-emptied.md",
    "DiskFull": "disk-full-or-crash-while-publishing.md",
    "The run died": "disk-full-or-crash-while-publishing.md",
    "MigrationNeeded": "contract-changed.md",
    "ContractChanged": "contract-changed.md",
    "changed while it was read": "landed-file-changed.md",
}
_BY_KIND = {
    Kind.CHECK: "read what the check says in the UI, mend its cause and materialise the asset again",
    Kind.METRIC: _BY_CHECK["metric_holds"],
    Kind.FRESHNESS: "look whether its run has failed or its input is missing: landing-day-missing-or-late.md",
    Kind.RUN: "read what the error says to do, mend it and materialise again",
    Kind.TICK: "read the tick's error in the UI (Automation); the daemon tries again by itself",
    Kind.PROMOTION: "nothing; to undo it: `platform models rollback`",
}
_REFUSED = "nothing breaks, the champion goes on scoring; see why: model-was-refused.md"


def next_step(kind: Kind, item: str = "", what: str = "", *, refused: bool = False) -> str:
    """What to do about it. `item` is the check's name, `what` the sentence or error that tells what happened."""
    if refused:
        return _with_place(_REFUSED)
    if item in _BY_CHECK:
        return _with_place(_BY_CHECK[item])
    runbook = next((named for error, named in _BY_ERROR.items() if error in what), None)
    return _with_place(f"{_BY_KIND[kind]}: {runbook}" if runbook and kind is Kind.RUN else _BY_KIND[kind])


def all_steps() -> list[str]:
    """Every step that can be named."""
    runs = [next_step(Kind.RUN, what=error) for error in _BY_ERROR]
    checks = [next_step(Kind.CHECK, item) for item in _BY_CHECK]
    return [*runs, *checks, *(next_step(kind) for kind in Kind), next_step(Kind.PROMOTION, refused=True)]


def _with_place(step: str) -> str:
    """Runbooks with their folder."""
    head, joint, runbook = step.rpartition(" ")
    return f"{head}{joint}{RUNBOOKS}/{runbook}" if runbook.endswith(".md") else step
