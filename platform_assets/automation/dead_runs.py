"""The sensor `dead_runs`: runs that died with their processes are closed when the daemon is back.

It runs in the code server, the host on which the UI's runs are computed. How a dead run is known stands in
`resources.run_recovery`.
"""

import dagster as dg

from resources.run_recovery.dead_runs import close_dead_runs

CHECK_SECONDS = 60


@dg.sensor(
    minimum_interval_seconds=CHECK_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Closes runs whose process is gone, with their pool slots: when the daemon starts, then every minute.",
)
def dead_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Close dead runs of this host; the daemon tries them again as `run_retries` in dagster.yaml says."""
    closed = close_dead_runs(context.instance)
    told = [f"{dead.run.run_id} ({dead.assets}; {dead.worker})" for dead in closed]
    return dg.SkipReason(f"closed runs whose process is gone: {', '.join(told)}" if told else "no run has died")
