"""What the collector sees of persons: logins, cookies, device ids and addresses, as raw text.

Bots have cookies and addresses too; they are numbered after the persons' devices.
"""

from dataclasses import dataclass

import numpy as np

from platform_assets.demo.bots import BOT_AGENTS, bot_count
from platform_assets.demo.population import COUNTRIES, FIRST_APP, USER_AGENTS, Population
from platform_assets.demo.world import World

_PLANTS = ("maple", "fern", "clover", "willow", "thistle", "heather", "juniper", "alder", "bramble", "sorrel")
_ANIMALS = ("otter", "heron", "badger", "lynx", "marten", "plover", "stoat", "curlew", "dormouse", "newt")


@dataclass(frozen=True)
class Identifiers:
    """Raw identifiers: `login` by login number; the others by device number, bots last. Absent ones are empty."""

    login: list[str]
    cookie: list[str]
    device_id: list[str]
    address: list[str]
    user_agent: list[str]
    country: list[str]


def make_identifiers(world: World, population: Population) -> Identifiers:
    """The identifiers of a world's persons and bots."""
    bots = bot_count(world)
    persons_devices = len(population.device_person)
    devices = persons_devices + bots
    rng = world.rng("identifiers")
    hexadecimal = rng.bytes(16 * devices).hex()
    is_app = population.device_agent >= FIRST_APP
    agents = [USER_AGENTS[agent] for agent in population.device_agent]
    return Identifiers(
        login=[
            f"{_PLANTS[n % 10]}.{_ANIMALS[n // 10 % 10]}{n // 100 + 1}@example.org"
            for n in range(len(population.login_person))
        ],
        cookie=[f"c-{hexadecimal[32 * n : 32 * n + 20]}" for n in range(devices)],
        device_id=[f"d-{hexadecimal[32 * n + 20 : 32 * n + 32]}" if app else "" for n, app in enumerate(is_app)]
        + [""] * bots,
        address=[_benchmark_address(number) for number in population.device_address]
        + [f"203.0.113.{n % 254 + 1}" for n in range(bots)],
        user_agent=agents + [BOT_AGENTS[n % len(BOT_AGENTS)] for n in range(bots)],
        country=[COUNTRIES[code] for code in population.country[population.device_person]] + ["US"] * bots,
    )


def _benchmark_address(number: np.integer) -> str:
    """An address of 198.18.0.0/15, the range reserved for benchmarks."""
    return f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
