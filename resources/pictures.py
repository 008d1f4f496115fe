"""Pictures of results, each shown in the UI and kept as a file: `<root>/<table>/<partition>/<name>.png`.

What they show is drawn by the products; this module only puts them into their places.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from platform_assets.domain.drawing import as_markdown
from resources.object_store import naming_the_store, open_place

WHOLE_TABLE = "all"
"""Stands for the partition of a table that has none."""


class Pictures(dg.ConfigurableResource):
    """`root` is a folder or an s3:// address; a picture of the same name and partition is replaced."""

    root: str

    def keep(self, table: str, partition: str | None, drawn: Mapping[str, bytes]) -> dict[str, Any]:
        """Write the pictures (name → PNG) as files; returns metadata that shows each and says where it lies.

        Raises StoreUnavailable where a remote place doesn't answer.
        """
        folder = f"{self.root}/{table}/{partition or WHOLE_TABLE}"
        metadata: dict[str, Any] = {}
        with naming_the_store(folder):
            filesystem, path = open_place(folder)
            filesystem.create_dir(path, recursive=True)
            for name, png in drawn.items():
                with filesystem.open_output_stream(f"{path}/{name}.png") as file:
                    file.write(png)
                metadata[name] = dg.MetadataValue.md(as_markdown(png, f"{name} of {table}"))
        return metadata | {"pictures": dg.MetadataValue.path(folder)}
