"""A picture is shown once, or refused, wherever the process that prepares it dies; and its file goes."""

import pytest
from sqlalchemy import text

from orders_service import audit, inventory, tables, uploads
from orders_service.ids import new_id
from orders_service.images.accepting import accept_image
from orders_service.images.inspection import Seen
from orders_service.images.preparing import prepare_image
from orders_service.uploads import StoredUpload, queries
from pipelines import RunState, Transaction
from pipelines.testing import Survivor, survives_every_crash
from tests.builders.pictures import a_hollow_picture, a_picture
from tests.builders.shop import SHELF

_ = tables  # all of the service's, so that they are made
NOTE = audit.Note(
    actor="ada", actor_type="key", action="product_image_uploaded", subject_type="product", subject_id="mug"
)
LEFT = text("SELECT (SELECT count(*) FROM uploads), (SELECT count(*) FROM product_image_sizes)")


def send(tx: Transaction, content: bytes) -> object:
    upload_id = new_id()
    queries.add(tx, upload_id, tx.home.clock.now())
    queries.add_part(tx, upload_id, 0, content)
    seen = Seen("image/png", 400, 300)
    return accept_image(tx, "mug", StoredUpload(upload_id, len(content)), seen, principal="ada", note=NOTE)


@pytest.mark.parametrize(
    ("content", "state", "sizes"),
    [(a_picture("PNG"), RunState.COMPLETED, 3), (a_hollow_picture(), RunState.REJECTED, 0)],
    ids=["shown", "refused"],
)
async def test_a_picture_survives_every_crash(content: bytes, state: RunState, sizes: int) -> None:
    def check(survivor: Survivor) -> None:
        assert survivor.run.state is state
        left = survivor.stage.read(lambda session: session.execute(LEFT).one())
        assert tuple(left) == (0, sizes)

    points = await survives_every_crash(
        prepare_image,
        begin=lambda tx: send(tx, content),
        prepare=lambda tx: inventory.seed(tx, SHELF),
        check=check,
        beside=[uploads.remove_upload],
    )
    assert len(points) > 5
