"""What a page of the catalog costs: rendered for each reader, for the first one after a refresh, out of what was kept.

python -m tests.benchmarks.window [readings]
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from orders_service import schema
from orders_service.inventory.refreshing import PAGE_SIZE
from orders_service.inventory.window import Window
from tests.builders.catalog import put
from tests.builders.orders import a_product
from tests.builders.shop import Shop, open_shop

PRODUCTS, READINGS = 1000, 500


async def measure(readings: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/orders.db"
        schema.migrate(url)
        async with open_shop(url, Path(folder)) as shop:
            await shop.offer(*(a_product(f"sku-{number:04}") for number in range(PRODUCTS)))
            await put(shop, "sku-0000")
            await shop.run_to_the_end()
            kept, first = _milliseconds(shop, readings), _milliseconds(shop, readings, anew=True)
            await shop.write("DELETE FROM catalog_pages")
            rendered = _milliseconds(shop, readings, anew=True)
        return {"rendered for each": rendered, "first after a refresh": first, "kept": kept}


def _milliseconds(shop: Shop, readings: int, *, anew: bool = False) -> float:
    """Of this process's CPU for one page, without what HTTP costs."""
    kept = Window()

    def look() -> str:
        return shop.read(lambda session: (Window() if anew else kept).show(session, None, PAGE_SIZE))

    look()
    began = time.process_time()
    for _ in range(readings):
        look()
    return (time.process_time() - began) / readings * 1000


if __name__ == "__main__":
    figures = asyncio.run(measure(int(sys.argv[1]) if len(sys.argv) > 1 else READINGS))
    for name, milliseconds in figures.items():
        print(f"{name:24}{milliseconds:6.2f} ms")  # noqa: T201 - a benchmark
    print(f"{figures['rendered for each'] / figures['kept']:.1f} times")  # noqa: T201 - as above
