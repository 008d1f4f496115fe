"""How a record reads: deliveries as lines of JSON, built column by column from ready-made fragments of text.

Every text of this world is plain ASCII without quotes or backslashes, so the fragments need no escaping.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from platform_assets.demo.events import EVENT_TYPES
from platform_assets.demo.identifiers import Identifiers
from platform_assets.demo.trouble import TRUNCATED, WELL_FORMED, Deliveries
from platform_assets.demo.web import item_names, item_prices, page_urls
from platform_assets.demo.world import DAY_MS, World

CONSENTS = ("all", "necessary", "none")

GARBAGE_LINES = ("<html><body>502 Bad Gateway</body></html>", "#### collector restarted ####", "}{", '"event_id";')
TRUNCATED_LENGTHS = (9, 61, 140, 203)

_HEAD = '{"event_id":"' + "0" * 32 + '","event_time":"0000-00-00T00:00:00.000Z","event_type":"'
_ID_AT, _TIME_AT = 13, 13 + 32 + 16
_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), dtype=np.uint8).reshape(256, 2)


class RecordText:
    """Writes deliveries as lines of JSON. It holds the text of every device, login, page and item of a world."""

    def __init__(self, world: World, identifiers: Identifiers) -> None:
        names, prices = item_names(), item_prices(world)
        urls = page_urls(world)
        devices = zip(
            identifiers.cookie,
            identifiers.device_id,
            identifiers.address,
            identifiers.user_agent,
            identifiers.country,
            strict=True,
        )
        items = [f',"item":"{name}"' for name in names]
        self._world = world
        self._types = pa.array([f'{name}",' for name in EVENT_TYPES])
        self._logins = _fragments([f'"login":"{login}",' for login in identifiers.login])
        self._devices = _fragments([_device(*device) for device in devices])
        self._pages = _fragments([f'"url":"{url}"' for url in urls])
        self._referrers = _fragments([f',"referrer":"{url}"' for url in urls])
        paid_items = [f'{item},"value":{cents / 100:.2f}' for item, cents in zip(items, prices, strict=True)]
        self._items = _fragments(items + paid_items)
        self._ends = pa.array(["}\n", *(f',"consent":"{consent}"}}\n' for consent in CONSENTS)])
        self._consent = identifiers.consent
        self._first_paid_item = len(names)

    def lines(self, deliveries: Deliveries) -> pa.StringArray:
        """One line for each delivery, line end included."""
        events = deliveries.events
        paid = events.event_type == EVENT_TYPES.index("purchase")
        consent = np.where(deliveries.event_day >= self._world.consent_day, 1 + self._consent[events.device], 0)
        lines = pc.binary_join_element_wise(
            _heads(deliveries.event_id, events.time),
            self._types.take(pa.array(events.event_type)),
            _take(self._logins, events.login),
            _take(self._devices, events.device),
            _take(self._pages, events.page),
            _take(self._referrers, events.referrer),
            _take(self._items, np.where(paid, events.item + self._first_paid_item, events.item)),
            self._ends.take(pa.array(consent)),
            "",
        )
        return _spoil(lines, deliveries.malformed)


def event_ids(raw: np.ndarray) -> pa.StringArray:
    """Event ids as hexadecimal text, from rows of 16 bytes."""
    return _fixed_width_text(_HEX[raw].reshape(len(raw), 32))


def _device(cookie: str, device_id: str, address: str, user_agent: str, country: str) -> str:
    app = f'"device_id":"{device_id}",' if device_id else ""
    return f'"cookie_id":"{cookie}",{app}"ip":"{address}","user_agent":"{user_agent}","country":"{country}",'


def _fragments(texts: Sequence[str]) -> pa.StringArray:
    """Texts with the empty text at the end, where index -1 finds it."""
    return pa.array([*texts, ""], pa.string())


def _take(fragments: pa.StringArray, index: np.ndarray) -> pa.StringArray:
    return fragments.take(pa.array(np.where(index < 0, len(fragments) - 1, index)))


def _heads(raw_ids: np.ndarray, time: np.ndarray) -> pa.StringArray:
    """The start of every record, up to the event type: all of one width."""
    text = np.tile(np.frombuffer(_HEAD.encode(), dtype=np.uint8), (len(time), 1))
    text[:, _ID_AT : _ID_AT + 32] = _HEX[raw_ids].reshape(len(time), 32)
    days, day_of = np.unique(time // DAY_MS, return_inverse=True)
    dates = np.array([str(day) for day in days.astype("datetime64[D]")], dtype="S10").view(np.uint8).reshape(-1, 10)
    text[:, _TIME_AT : _TIME_AT + 10] = dates[day_of]
    within = (time % DAY_MS).astype(np.int32)
    fields = ((11, 3_600_000, 24, 2), (14, 60_000, 60, 2), (17, 1_000, 60, 2), (20, 1, 1_000, 3))
    for start, unit, modulus, digits in fields:
        number = within // unit % modulus
        for digit in range(digits):
            text[:, _TIME_AT + start + digit] = 48 + number // 10 ** (digits - 1 - digit) % 10
    return _fixed_width_text(text)


def _fixed_width_text(text: np.ndarray) -> pa.StringArray:
    rows, width = text.shape
    offsets = np.arange(0, (rows + 1) * width, width, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text)))


def _spoil(lines: pa.StringArray, malformed: np.ndarray) -> pa.StringArray:
    """Cut some lines short and put garbage in the place of others."""
    bad = np.flatnonzero(malformed != WELL_FORMED)
    if not len(bad):
        return lines
    whole = lines.take(pa.array(bad))
    cuts = [pc.utf8_slice_codeunits(whole, 0, length) for length in TRUNCATED_LENGTHS]
    turn = pa.array(np.arange(len(bad)) % len(TRUNCATED_LENGTHS))
    garbage = pa.array(GARBAGE_LINES).take(turn)
    is_cut = pa.array(malformed[bad] == TRUNCATED)
    text = pc.if_else(is_cut, pc.choose(turn, *cuts), garbage)
    text = pc.binary_join_element_wise(text, "\n", "")
    return pc.replace_with_mask(lines, pa.array(malformed != WELL_FORMED), text)
