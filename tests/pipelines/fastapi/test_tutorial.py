"""The examples of FastAPI's tutorial on background tasks, with only the import of `BackgroundTasks` changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from pipelines.fastapi import BackgroundTasks, BackgroundWork, durable
from pipelines.testing import Inline


def write_notification(email: str, message: str = "") -> None:
    with Path("log.txt").open(mode="w") as email_file:
        content = f"notification for {email}: {message}"
        email_file.write(content)


def tutorial001(app: FastAPI) -> None:
    @app.post("/send-notification/{email}")
    async def send_notification(email: str, background_tasks: BackgroundTasks) -> dict[str, str]:
        background_tasks.add_task(write_notification, email, message="some notification")
        return {"message": "Notification sent in the background"}


def write_log(message: str) -> None:
    with Path("log.txt").open(mode="a") as log:
        log.write(message)


def get_query(background_tasks: BackgroundTasks, q: str | None = None) -> str | None:
    if q:
        message = f"found query: {q}\n"
        background_tasks.add_task(write_log, message)
    return q


def tutorial002(app: FastAPI) -> None:
    @app.post("/send-notification/{email}")
    async def send_notification(
        email: str, background_tasks: BackgroundTasks, q: Annotated[str, Depends(get_query)]
    ) -> dict[str, str]:
        message = f"message to {email}\n"
        background_tasks.add_task(write_log, message)
        return {"message": "Message sent"}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("example", "path", "answer", "log"),
    [
        (
            tutorial001,
            "foo@example.com",
            "Notification sent in the background",
            "notification for foo@example.com: some notification",
        ),
        (tutorial002, "foo@example.com", "Message sent", "message to foo@example.com\n"),
        (tutorial002, "rick@example.com?q=morty", "Message sent", "found query: morty\nmessage to rick@example.com\n"),
    ],
    ids=["a function", "without the dependency's task", "with the dependency's task first"],
)
def test_the_examples_work_with_only_the_import_changed(
    example: Callable[[FastAPI], None], path: str, answer: str, log: str
) -> None:
    app = FastAPI(lifespan=durable("sqlite:///app.db", [BackgroundWork(__name__)], create_tables=True))
    example(app)
    with TestClient(Inline(app)) as client:
        response = client.post(f"/send-notification/{path}")
    assert response.status_code == 200, response.text
    assert response.json() == {"message": answer}
    assert Path("log.txt").read_text() == log
