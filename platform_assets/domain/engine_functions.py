"""Functions that steps need beyond Ibis's own, under names that every engine provides.

DuckDB and Spark know `split_part`, `md5` and `regexp_extract_all` by these names, Spark `try_url_decode`; the engine
adds what its database lacks, and arms `keyed_hash` with the pseudonym key (`resources.compute`). Functions for reading
records stand in `platform_assets.raw_events`.
"""

import ibis


@ibis.udf.scalar.builtin
def split_part(text: str, separator: str, index: int) -> str:  # type: ignore[empty-body]
    """The part before, between or after separators, counted from 1; empty text past the last."""


@ibis.udf.scalar.builtin
def md5(text: str) -> str:  # type: ignore[empty-body]
    """MD5 as 32 hex digits: an identifier, never a protection."""


@ibis.udf.scalar.builtin
def try_url_decode(text: str) -> str:  # type: ignore[empty-body]
    """Text with its percent escapes replaced; null where the bytes they stand for are no UTF-8."""


@ibis.udf.scalar.builtin
def regexp_extract_all(text: str, pattern: str, group: int) -> list[str]:  # type: ignore[empty-body]
    """What a group of the pattern holds in each of its matches, from left to right."""


@ibis.udf.scalar.builtin
def keyed_hash(text: str) -> str:  # type: ignore[empty-body]
    """HMAC-SHA256 (RFC 2104) of the text's UTF-8 bytes under the pseudonym key, as 64 hex digits; null for null."""


@ibis.udf.scalar.builtin
def json_merge_patch(record: str, patch: str) -> str:  # type: ignore[empty-body]
    """A JSON object after RFC 7386's merge patch: null removes a key."""


@ibis.udf.scalar.builtin
def json_extract_string(record: str, path: str) -> str:  # type: ignore[empty-body]
    """What is at a path of a JSON object: text unquoted, anything else as JSON text; null for nothing and for null."""
