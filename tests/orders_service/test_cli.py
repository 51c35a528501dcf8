import asyncio
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from orders_service import cli, openapi, schema
from orders_service.settings import PREFIX
from pipelines.journal import lock_of, parse_url
from tests.builders.standing_runs import stand
from tests.harness import schemas

ORDERS = Path(sys.executable).with_name("orders")


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A database that the commands find set, and nothing else of ours."""
    for name in [name for name in os.environ if name.upper().startswith(PREFIX)]:
        monkeypatch.delenv(name)
    database_url = f"sqlite:///{tmp_path / 'orders.db'}"
    monkeypatch.setenv("ORDERS_DATABASE_URL", database_url)
    monkeypatch.setenv("ORDERS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ORDERS_PORT", "0")
    return database_url


class Terminal:
    """Runs commands inside the tests' process; `start` gives one a process of its own."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, command: str, **environment: str) -> Said:
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["orders", *command.split()])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                cli.main()
        out, err = self._capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    async def start(self, command: str, **environment: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            ORDERS,
            *command.split(),
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode is not None
        return Said(process.returncode, out.decode(), err.decode())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


def is_one_sentence(said: Said) -> bool:
    assert (said.code, said.out) == (2, "")
    assert "Traceback" not in said.err
    return len(said.err.splitlines()) == 1


async def test_a_port_that_is_taken_is_said_with_the_way_out(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = await terminal.start("serve --prepare", ORDERS_PORT=str(port))
    assert is_one_sentence(said)
    assert f"Port {port} on 127.0.0.1 is taken." in said.err
    assert f"ORDERS_PORT={port + 1}, or make run PORT={port + 1}" in said.err


async def test_a_second_process_on_one_file_is_refused_with_the_first_ones_id(terminal: Terminal, url: str) -> None:
    schema.migrate(url)
    lock = lock_of(parse_url(url))
    assert lock is not None
    lock.acquire()
    said = await terminal.start("serve")
    lock.release()
    assert is_one_sentence(said)
    assert f"already served by process {os.getpid()}" in said.err


async def test_an_older_schema_is_refused_with_the_command_that_mends_it(terminal: Terminal, url: str) -> None:
    schema.migrate(url)
    schema.migrate(url, to="base")
    said = await terminal.start("serve")
    assert is_one_sentence(said)
    assert said.err.endswith("Run: orders migrate\n")


async def test_a_database_that_is_away_is_said_without_its_password(terminal: Terminal) -> None:
    said = await terminal.start("serve", ORDERS_DATABASE_URL="postgresql://orders:hunter2@127.0.0.1:1/orders")
    assert is_one_sentence(said)
    assert said.err.startswith("The database cannot be used: ")
    assert "hunter2" not in said.err


async def test_a_wrong_setting_is_said_by_its_name(terminal: Terminal) -> None:
    said = await terminal.start("serve", ORDERS_PROT="8000")
    assert is_one_sentence(said)
    assert said.err == "ORDERS_PROT: there is no such setting\n"


@pytest.mark.parametrize("command", ["migrate", "seed", "config show"])
def test_no_command_runs_with_a_wrong_setting(terminal: Terminal, command: str) -> None:
    assert is_one_sentence(terminal.run(command, ORDERS_LEASE_SECONDS="soon"))


def test_a_folder_that_can_not_be_made_is_named(terminal: Terminal) -> None:
    said = terminal.run("migrate", ORDERS_DATABASE_URL="sqlite:////proc/nowhere/orders.db")
    assert is_one_sentence(said)
    assert "/proc/nowhere" in said.err


def test_a_migration_says_that_it_is_done(terminal: Terminal, url: str) -> None:
    assert terminal.run("migrate") == Said(0, "The schema is up to date.\n", "")
    schema.check(url)


def test_a_migration_on_a_newer_schema_is_fine(terminal: Terminal, url: str) -> None:
    terminal.run("migrate")
    with schemas.connected(url) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'of-the-next-release'"))
    assert terminal.run("migrate").code == 0


def test_one_revision_back_is_minus_one(terminal: Terminal, url: str) -> None:
    terminal.run("migrate")
    assert terminal.run("migrate -1").code == 0
    with schemas.connected(url) as connection:
        assert schema.current_revision(connection) == schemas.revisions()[-2]


@pytest.mark.parametrize("revision", ["nonsense", "-9"])
def test_a_revision_that_is_none_is_refused(terminal: Terminal, revision: str) -> None:
    assert is_one_sentence(terminal.run(f"migrate {revision}"))


def test_a_catalog_is_seeded_once(terminal: Terminal) -> None:
    terminal.run("migrate")
    assert [terminal.run("seed").out for _ in range(2)] == ["4 products added.\n", "0 products added.\n"]


def test_a_catalog_of_ones_own_is_seeded(terminal: Terminal, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    price = {"amount": 1, "currency": "EUR"}
    catalog.write_text(json.dumps([{"sku": "mug", "name": "Mug", "price": price, "available": 1}]))
    terminal.run("migrate")
    assert terminal.run(f"seed --catalog {catalog}").out == "1 products added.\n"


def test_settings_are_shown_as_they_would_be_set_and_secrets_are_not(terminal: Terminal) -> None:
    secrets = {"ORDERS_ADMIN_KEY": "hunter2", "ORDERS_SMTP_URL": "smtp://orders:hunter2@mail.example.com"}
    shown = terminal.run("config show", ORDERS_EGRESS_ALLOW="10.0.0.0/8,fd00::/8", **secrets).out
    assert "ORDERS_EGRESS_ALLOW=10.0.0.0/8 fd00::/8\n" in shown
    assert "ORDERS_PROFILE=development\n" in shown
    assert "ORDERS_FULFILLMENT_URL=\n" in shown
    for name in (*secrets, "ORDERS_DATABASE_URL", "ORDERS_FULFILLMENT_SECRET"):
        assert f"{name}=**********\n" in shown
    assert "hunter2" not in shown


def test_programs_are_given_json(terminal: Terminal) -> None:
    assert json.loads(terminal.run("migrate --json").out) == {"schema": "head"}
    assert json.loads(terminal.run("seed --json").out) == {"added": 4}
    shown = json.loads(terminal.run("config show --json", ORDERS_API_KEY="hunter2").out)
    assert (shown["ORDERS_API_KEY"], shown["ORDERS_PROFILE"]) == ("**********", "development")
    assert (shown["ORDERS_API_URL"], shown["ORDERS_EGRESS_ALLOW"]) == (None, "")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("rnus", "No such command 'rnus'. Did you mean 'runs'?"),
        ("runs list --stat failed", "No such option: --stat"),
        ("runs why", "Missing argument 'RUN'."),
        ("runs list --limit none", "Invalid value for '--limit': "),
    ],
)
def test_what_is_no_command_is_one_line(terminal: Terminal, command: str, says: str) -> None:
    said = terminal.run(command)
    assert is_one_sentence(said)
    assert said.err.startswith(says)
    assert said.err.endswith(" --help\n")


@pytest.mark.parametrize("command", ["", "runs"])
def test_where_words_are_missing_help_is_shown(terminal: Terminal, command: str) -> None:
    said = terminal.run(command)
    assert (said.code, said.err) == (2, "")
    assert "Commands" in said.out


def test_what_a_command_quotes_steers_no_terminal(terminal: Terminal) -> None:
    assert terminal.run("\x1b[45m\u202e").err.startswith(r"No such command '\x1b[45m\u202e'.")


async def test_a_letter_that_a_terminal_lacks_is_shown_as_its_escape(terminal: Terminal) -> None:
    said = await terminal.start("config show", ORDERS_SMTP_SENDER="東@example.com", PYTHONIOENCODING="latin-1")
    assert r"ORDERS_SMTP_SENDER=\u6771@example.com" in said.out


def test_the_exit_codes_are_in_the_help(terminal: Terminal) -> None:
    said = " ".join(terminal.run("--help").out.split())
    assert "Ends with 0 when it is done, 1 when the answer is no, 2 when it could not be asked, 130 after" in said


def test_help_does_not_wait_for_what_only_commands_need() -> None:
    slow = {"fastapi", "sqlalchemy", "pydantic", "aiohttp", "uvicorn", "alembic", "rich.table", "rich.progress"}
    look = f"import sys, orders_service.cli; print(*({slow!r} & sys.modules.keys()))"
    seen = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True)  # noqa: S603 - ours
    assert seen.stdout == "\n"


def test_the_contract_is_printed_as_it_is_committed(terminal: Terminal) -> None:
    assert terminal.run("openapi").out == openapi.written()


def test_a_release_that_knows_all_open_runs_says_so(terminal: Terminal) -> None:
    terminal.run("migrate")
    assert terminal.run("check") == Said(0, "All is well: this release carries on each of the 0 open runs.\n", "")


def test_a_release_that_lacks_a_step_is_told_which(terminal: Terminal, url: str) -> None:
    terminal.run("migrate")
    stand(url, pipeline="fulfill-order", step="reserve")
    says = "1 run of fulfill-order version a1b2 stands before step reserve, which no longer exists.\n"
    assert terminal.run("check") == Said(1, says, "")


def test_programs_are_told_too(terminal: Terminal, url: str) -> None:
    terminal.run("migrate")
    stand(url, pipeline="old-pipeline", step="reserve")
    said = terminal.run("check --json")
    [trouble] = json.loads(said.out)["troubles"]
    assert (said.code, trouble["kind"], trouble["pipeline"]) == (1, "unknown-pipeline", "old-pipeline")


def test_the_check_comes_before_the_migration(terminal: Terminal) -> None:
    terminal.run(f"migrate {schemas.revisions()[-2]}")
    said = terminal.run("check")
    assert (said.code, "run: orders migrate" in said.out) == (0, True)


def test_a_database_that_is_served_can_be_checked(terminal: Terminal, url: str) -> None:
    terminal.run("migrate")
    lock = lock_of(parse_url(url))
    assert lock is not None
    lock.acquire()
    assert terminal.run("check").code == 0
    lock.release()


def test_there_must_be_a_database_to_check(terminal: Terminal, tmp_path: Path) -> None:
    assert is_one_sentence(terminal.run("check"))
    assert not list(tmp_path.iterdir())
