"""One small simulated world for all tests of this folder."""

from collections.abc import Iterator

import pytest

from platform_assets.demo import simulate
from platform_assets_tests.demo.left_behind import ARGUMENTS, LeftBehind, read_back


@pytest.fixture(scope="package")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LeftBehind]:
    folder = tmp_path_factory.mktemp("world")
    summary = simulate(folder / "landing", **ARGUMENTS)
    left = read_back(folder / "landing", folder / "truth", summary)
    yield left
    left.connection.close()
