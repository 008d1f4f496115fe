"""What steps that go round in circles ask of an engine: results that stay with it, and plans that are made once.

Implemented by the engines of `resources.compute`.
"""

from collections.abc import Callable
from typing import Protocol

import ibis


class IteratingEngine(Protocol):
    """An engine in which a step can be repeated."""

    def computed(self, expression: ibis.Table) -> ibis.Table:
        """A table over an expression's rows, which are computed now and stay with the engine while the table is used.

        Otherwise an expression that grows with every round would be computed from the start each time.
        """
        ...

    def prepared(self, expression: ibis.Table) -> Callable[..., ibis.Table]:
        """`computed` for an expression over placeholders: made by `ibis.table(schema, name=…)`, given by these names.

        It is translated once, however often it is called.
        """
        ...
