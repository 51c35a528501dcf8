"""Which rows come first, and which are left out."""

from collections import defaultdict
from collections.abc import Mapping
from heapq import nsmallest
from typing import Protocol, TypeAlias

Key: TypeAlias = tuple[str, str]
"""A product or a customer, and a currency."""


class Worth(Protocol):
    """What has an amount."""

    @property
    def amount(self) -> int: ...


def largest_of_each_currency(found: Mapping[Key, Worth], most: int) -> list[Key]:
    """By currency; in each the largest amounts first, and so many of them."""
    by_currency: defaultdict[str, list[Key]] = defaultdict(list)
    for key in found:
        by_currency[key[1]].append(key)
    return [
        key
        for _, keys in sorted(by_currency.items())
        for key in nsmallest(most, keys, key=lambda key: (-found[key].amount, key[0]))
    ]
