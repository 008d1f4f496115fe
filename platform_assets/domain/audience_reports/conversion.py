"""What counts as a conversion in reports about audiences: an event of a type, or a visit of a path."""

from dataclasses import dataclass

import ibis

from platform_assets.domain.errors import ConfigurationError


@dataclass(frozen=True)
class Conversion:
    """A conversion is an event of `event_type`; or, where that is None, of any type on `path`.

    The path is compared as it stands in `events`; with a `*` as its last character it is what paths begin with.
    """

    event_type: str | None = None
    path: str | None = None

    @classmethod
    def declared(cls, text: str) -> "Conversion":
        """From a setting: a text that begins with `/` is a path, any other an event type.

        Raises ConfigurationError where nothing is named, or a `*` stands anywhere but at a path's end.
        """
        text = text.strip()
        is_path = text.startswith("/")
        if not text or "*" in text[: -1 if is_path else None]:
            raise ConfigurationError(
                f"{text!r} names no conversion",
                where="PLATFORM_CONVERSION",
                todo="name an event type such as purchase, or a path such as /checkout/thanks or /thanks/*",
            )
        return cls(path=text) if is_path else cls(event_type=text)

    def of(self, events: ibis.Table) -> ibis.Table:
        """The events that are conversions; a bot's are none."""
        return events.filter(self._holds(events), ~events.is_bot)

    def _holds(self, events: ibis.Table) -> ibis.expr.types.BooleanValue:
        if self.path is None:
            return events.event_type == self.event_type
        if self.path.endswith("*"):
            return events.path.startswith(self.path[:-1])
        return events.path == self.path
