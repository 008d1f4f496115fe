"""Pictures and pages of results, kept as files: `<root>/<table>/<partition>/<name>.png` or `.html`.

What they show is drawn by the products; this module only puts them into their places. The UI shows pictures; of a page
it says where it lies.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from platform_assets.domain.drawing import as_markdown
from resources.object_store import naming_the_store, open_place

WHOLE_TABLE = "all"
"""Stands for the partition of a table that has none."""


class Pictures(dg.ConfigurableResource):
    """`root` is a folder or an s3:// address; a file of the same name and partition is replaced."""

    root: str

    def keep(self, table: str, partition: str | None, drawn: Mapping[str, bytes]) -> dict[str, Any]:
        """Write the pictures (name → PNG) as files; returns metadata that shows each and says where it lies.

        Raises StoreUnavailable where a remote place doesn't answer.
        """
        folder = self._write(table, partition, {f"{name}.png": png for name, png in drawn.items()})
        shown = {name: dg.MetadataValue.md(as_markdown(png, f"{name} of {table}")) for name, png in drawn.items()}
        return {**shown, "pictures": dg.MetadataValue.path(folder)}

    def keep_page(self, table: str, partition: str | None, name: str, html: str) -> dict[str, Any]:
        """Write a page as a file; returns metadata that says where it lies. Raises StoreUnavailable like `keep`."""
        folder = self._write(table, partition, {f"{name}.html": html.encode()})
        return {name: dg.MetadataValue.path(f"{folder}/{name}.html")}

    def _write(self, table: str, partition: str | None, files: Mapping[str, bytes]) -> str:
        """Write files into the folder of a partition, in the place of those of the same name; returns the folder."""
        folder = f"{self.root}/{table}/{partition or WHOLE_TABLE}"
        with naming_the_store(folder):
            filesystem, path = open_place(folder)
            filesystem.create_dir(path, recursive=True)
            for name, content in files.items():
                with filesystem.open_output_stream(f"{path}/{name}") as file:
                    file.write(content)
        return folder
