"""What the rules say that send a row to the quarantine: one plain sentence each, for people.

A reason is `<rule>` or `<rule>: <detail>`. Rules of raw records are judged in `platform_assets.raw_events`, others
stand in their contracts.
"""

from collections.abc import Mapping

from platform_assets.domain.contracts.contract import Contract
from platform_assets.domain.contracts.events import VALUE_NOT_A_NUMBER

RAW_RULES: Mapping[str, str] = {
    "malformed_json": "the line is no JSON object",
    "malformed_log_line": "the line is not of the combined log format",
    "duplicate_key": "a JSON object says one key twice: nobody can say which value was meant",
    "wrong_field_count": "the record has more or fewer fields than the header",
    "unterminated_quote": "a quote was opened and never closed; the rest of the file is affected",
    "stray_carriage_return": "a carriage return outside quotes ends no line",
    "not_utf8": "the record holds bytes that are no UTF-8",
    "record_too_long": "the record is longer than PLATFORM_MAX_RECORD_BYTES",
    "nested_too_deep": "the record is nested deeper than PLATFORM_MAX_NESTING",
    "event_id_missing": "a field that makes the declared event_id is empty or absent",
    "time_missing": "the field that says when it happened is empty or absent",
    "time_unreadable": "the text is no time of the declared time_format",
    "time_without_zone": "the time tells no zone and the source declares no time_zone: nobody knows when it was",
    "time_before_1970": "the time lies before 1970",
    "time_in_future": "the event day lies after the landing day",
    "too_late": "the record landed more than lateness_days after its event day",
}
"""Rules that a landed record can break."""

STEP_RULES: Mapping[str, str] = {VALUE_NOT_A_NUMBER: "the text that is mapped to value is no finite number"}
"""Rules that a step after the raw tables judges by itself, beside its contract."""


def explanation(rule: str, contract: Contract | None = None) -> str:
    """What a rule says; of rules that nobody declares, nothing."""
    declared = {each.name: each.description for each in contract.all_rules()} if contract else {}
    known = {**RAW_RULES, **STEP_RULES, **declared}
    if rule not in known and rule.endswith("_missing"):
        return f"{rule.removesuffix('_missing')} must have a value"
    return known.get(rule, "")
