"""The executor of every run: Dagster's in-process executor, which also says who computes and clears the way.

Each run notes its process, so that others can tell if it died, and closes runs that died, before its first step and
as long as it lasts: otherwise it would wait for ever on the pool slot of a table whose writer no longer exists.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
from dagster._core.execution.retries import RetryMode
from dagster._core.execution.step_dependency_config import StepDependencyConfig

from resources.run_recovery.dead_runs import close_dead_runs, note_worker
from resources.run_recovery.worker_process import WorkerProcess

WATCH_SECONDS = 15.0
"""Between two looks of a run that lasts: so long it waits for a table whose writer dies meanwhile."""


class RecoveringExecutor(dg.Executor):
    """Hands the steps to another executor, after this run's process is noted; closes dead runs meanwhile."""

    def __init__(self, steps: dg.Executor) -> None:
        self._steps = steps

    @property
    def retries(self) -> RetryMode:
        """Whether steps are retried."""
        return self._steps.retries

    @property
    def step_dependency_config(self) -> StepDependencyConfig:
        """When a step may begin."""
        return self._steps.step_dependency_config

    def execute(self, plan_context, execution_plan) -> Iterator[dg.DagsterEvent]:  # type: ignore[no-untyped-def]
        """See `dagster.Executor.execute`."""
        note_worker(plan_context.instance, plan_context.dagster_run, WorkerProcess.current())
        with repeated(lambda: _close_dead_runs(plan_context), every=WATCH_SECONDS):
            yield from self._steps.execute(plan_context, execution_plan)


def _close_dead_runs(plan_context) -> None:  # type: ignore[no-untyped-def]
    for dead in close_dead_runs(plan_context.instance):
        plan_context.log.warning(f"closed run {dead.run.run_id} ({dead.assets}): its process, {dead.worker}, is gone")


@contextmanager
def repeated(act: Callable[[], None], every: float) -> Iterator[None]:
    """Call a function once before the block and, from a thread, again and again while the block lasts.

    An exception of the first call is the caller's; a later one is printed and ends the repetition, not the block.
    """
    act()
    ended = threading.Event()

    def repeat() -> None:
        while not ended.wait(every):
            act()

    thread = threading.Thread(target=repeat, name=f"every {every:g} s", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@dg.executor(name="in_process", config_schema=dg.in_process_executor.config_schema.as_field())
def recovering_executor(context: dg.InitExecutorContext) -> dg.Executor:
    """All steps in the run's own process; configured like Dagster's `in_process_executor`."""
    create = dg.in_process_executor.executor_creation_fn
    assert create is not None
    return RecoveringExecutor(create(context))
