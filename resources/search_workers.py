"""What fits the candidates of a parameter search: processes of this machine, or a Dask or Spark cluster, by joblib.

Which candidates there are and how they are compared stands in `platform_assets.domain.modelling.fitting`. A candidate
is fitted on one thread wherever that happens, so that every backend chooses the same model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec

from platform_assets.domain.errors import ConfigurationError

_NEEDS = {"dask": ("distributed", "dask[distributed]"), "spark": ("joblibspark", "joblibspark and pyspark")}
"""Backends that need a package: the module it is imported by, and what to install."""


@dataclass(frozen=True)
class SearchWorkers:
    """`backend` is a name that joblib knows, `jobs` how many candidates it fits at once (-1: one per core)."""

    backend: str = "loky"
    jobs: int = 1

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Within, every search is fitted by these workers.

        "dask" works on the cluster that DASK_SCHEDULER_ADDRESS names, on processes of its own where none is named;
        "spark" in the Spark session of the process. Raises ConfigurationError where the backend's package is missing.
        """
        from joblib import parallel_config

        module, package = _NEEDS.get(self.backend, ("", ""))
        if module and find_spec(module) is None:
            raise ConfigurationError(
                f"the joblib backend {self.backend!r} needs the package {module}, which is not installed",
                where="PLATFORM_JOBLIB_BACKEND",
                todo=f"install {package}, or unset the variable",
            )
        with self._connected(), parallel_config(backend=self.backend, n_jobs=self.jobs):
            yield

    @contextmanager
    def _connected(self) -> Iterator[None]:
        if self.backend == "dask":
            from distributed import Client

            with Client(set_as_default=True):
                yield
            return
        if self.backend == "spark":
            from joblibspark import register_spark

            register_spark()
        yield
