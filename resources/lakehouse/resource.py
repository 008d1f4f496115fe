"""The lakehouse as a Dagster resource: its store is proven safe when a run starts, before anything is computed.

Loading the definitions reaches no store.
"""

from pathlib import Path

import dagster as dg

from resources.lakehouse.io_manager import DeltaIOManager
from resources.lakehouse.store_safety import require_safe_store


def lakehouse_on_a_safe_store(manager: DeltaIOManager, verdicts: Path) -> dg.IOManagerDefinition:
    """The IO manager, handed out only if its store keeps commits apart (`store_safety`)."""

    def started(context: dg.InitResourceContext) -> DeltaIOManager:
        require_safe_store(manager.lakehouse, verdicts)
        return manager

    return dg.IOManagerDefinition(resource_fn=started)
