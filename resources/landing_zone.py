"""The landing zone as a Dagster resource: where files land and how much of one file is read at most."""

import dagster as dg


class LandingZoneResource(dg.ConfigurableResource):
    """`root` is a folder or an s3:// address; the limits are bytes per file, bytes per record, levels of nesting.

    `allow_missing_files` lets a landing day be read again although files that it was read from are gone.
    """

    root: str
    max_file_bytes: int
    max_record_bytes: int
    max_nesting: int
    allow_missing_files: bool = False
