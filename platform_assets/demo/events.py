"""The columns of events while they are made: numbers that point into the population and the web, no text."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

EVENT_TYPES = ("page_view", "product_view", "search", "ad_impression", "ad_click", "add_to_cart", "purchase")
PAGE_VIEW, PRODUCT_VIEW, SEARCH, AD_IMPRESSION, AD_CLICK, ADD_TO_CART, PURCHASE = range(len(EVENT_TYPES))

NONE = -1


@dataclass(frozen=True)
class Events:
    """Events as columns of one length. `time` is milliseconds from 1970, UTC; -1 stands for an absent value."""

    time: np.ndarray
    event_type: np.ndarray
    device: np.ndarray
    login: np.ndarray
    page: np.ndarray
    referrer: np.ndarray
    item: np.ndarray
    is_bot: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: np.ndarray) -> "Events":
        """The events at some positions, or where a mask is true."""
        return Events(**{column.name: getattr(self, column.name)[rows] for column in fields(self)})


def concatenate(pieces: Sequence[Events]) -> Events:
    """Several pieces one after the other."""
    return Events(
        **{column.name: np.concatenate([getattr(piece, column.name) for piece in pieces]) for column in fields(Events)}
    )
