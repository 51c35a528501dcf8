"""A shop with pictures."""

import pytest

from tests.builders.gallery import Gallery
from tests.builders.shop import Shop


@pytest.fixture
def gallery(shop: Shop) -> Gallery:
    """On each database."""
    return Gallery(shop)


@pytest.fixture
def small_gallery(corner_shop: Shop) -> Gallery:
    """For what no database decides."""
    return Gallery(corner_shop)
