"""A simulated world with planted truth: the files a collector would leave, and beside them what is known about them.

`simulate` makes it. Its parts: `world` (arguments, days, random streams), `web`, `population` and `identifiers` (what
exists), `conversions`, `rhythm`, `sessions`, `browsing` and `bots` (what happens), `trouble` (what goes wrong),
`records` and `landing_files` (how it is written), `category_maps` (what is said of its sites), `truth` (what only tests
and reports may know).
"""

from platform_assets.demo.simulation import Progress, SimulationSummary, simulate
from platform_assets.demo.world import SimulationError

__all__ = ["Progress", "SimulationError", "SimulationSummary", "simulate"]
