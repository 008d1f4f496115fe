"""Requests by hand that a model be trained again: a small table that decisions read and `platform retrain` writes.

A request names the first day whose decision may take it up, so that computing a day again gives the same decision.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from platform_assets.domain.contracts.retrain_requests import RETRAIN_REQUESTS
from platform_assets.domain.retraining.evidence import Request
from resources.compute.engine import Engine
from resources.lakehouse.io_manager import read
from resources.lakehouse.publish import NO_TABLE, PublishedMeanwhile, publish
from resources.lakehouse.slicing import slicing_for
from resources.lakehouse.tables import Lakehouse

TRIES = 5
"""So often a request is written while others write theirs."""


def requests_in(rows: Sequence[Mapping[str, Any]], model: str) -> list[Request]:
    """The requests for a model among rows of the table, oldest first."""
    own = sorted((row for row in rows if row["model_name"] == model), key=lambda row: row["decision_date"])
    return [Request(row["decision_date"], row["requested_by"], row["reason"]) for row in own]


class RetrainRequests:
    """The requests in a lakehouse."""

    def __init__(self, lakehouse: Lakehouse, engine: Engine, staging_folder: Path) -> None:
        self._lakehouse, self._engine, self._staging_folder = lakehouse, engine, staging_folder

    def ask(self, model: str, request: Request, at: datetime) -> Request:
        """Store a request made at an instant; where there is one for the same day, that one stands and is returned.

        Raises PublishedMeanwhile if others write all the time.
        """
        for left in reversed(range(TRIES)):
            rows, based_on = self._rows_of(request.decision_date)
            if known := requests_in(rows, model):
                return known[0]
            asked = vars(request) | {"model_name": model, "requested_at": at.astimezone(UTC).replace(tzinfo=None)}
            try:
                self._publish([*rows, asked], request.decision_date, based_on)
            except PublishedMeanwhile:
                if not left:
                    raise
            else:
                break
        return request

    def _rows_of(self, day: date) -> tuple[list[dict[str, Any]], int]:
        """The stored rows of a day, and the version they stand in."""
        if not self._lakehouse.exists(RETRAIN_REQUESTS.name):
            return [], NO_TABLE
        snapshot = self._lakehouse.snapshot(RETRAIN_REQUESTS.name)
        stored = read(self._lakehouse, self._engine, snapshot, [day.isoformat()])
        return stored.select(*RETRAIN_REQUESTS.column_names).to_pyarrow().to_pylist(), snapshot.version

    def _publish(self, rows: Sequence[Mapping[str, Any]], day: date, based_on: int) -> None:
        schema = RETRAIN_REQUESTS.schema()
        publish(
            ibis.memtable(pa.Table.from_pylist([dict(row) for row in rows], schema.to_pyarrow()), schema=schema),
            RETRAIN_REQUESTS,
            slicing_for(RETRAIN_REQUESTS, None),
            [day.isoformat()],
            engine=self._engine,
            lakehouse=self._lakehouse,
            staging_folder=self._staging_folder,
            provenance={},
            based_on=based_on,
        )
