"""What `orders journal` prints, and the codes it ends with."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from orders_service import cli
from tests.builders.house import half_moved, is_open

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def orders(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["orders", "journal", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return orders


def test_a_move_says_what_has_moved_and_where_to_serve_from(run: Run, source: str, target: str) -> None:
    code, out, _ = run("move", source, target)
    assert code == 0
    assert out.splitlines()[:2] == ["TABLE     ROWS", "products  1"]
    assert f"ORDERS_DATABASE_URL={target.split('?', maxsplit=1)[0]}" in out.splitlines()[-1]
    code, again, _ = run("move", source, target)
    assert code == 0
    assert "All of it is in" in again


def test_programs_are_told_in_json(run: Run, source: str, target: str) -> None:
    code, out, _ = run("move", source, target, "--dry-run", "--json")
    assert (code, json.loads(out)["moved"], json.loads(out)["rows"]["products"]) == (0, False, 1)
    code, out, _ = run("move", source, target, "--json")
    assert (code, json.loads(out)["moved"], json.loads(out)["freed"]) == (0, True, 0)


def test_a_terminal_is_told_how_far_it_is(run: Run, source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    _, _, err = run("move", source, target)
    told = [line.strip() for line in err.splitlines()]
    for said in ("examined products: 1", "closed", "copied products: 1", "compared", "committed", "confirmed"):
        assert said in told


def test_a_refusal_is_one_line_with_code_1(run: Run, source: str, tmp_path: Path) -> None:
    code, out, err = run("move", source, f"sqlite:///{tmp_path / 'other.db'}")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    code, out, err = run("move", source, "postgresql://orders:hunter2@127.0.0.1:1/orders")
    assert (code, out, len(err.splitlines())) == (1, "", 1)
    assert "hunter2" not in err
    assert is_open(source)


def test_a_password_is_not_kept_in_the_file(run: Run, source: str, target: str) -> None:
    run("move", source, target.replace("postgres@", "postgres:hunter2@"))
    assert b"hunter2" not in b"".join(file.read_bytes() for file in Path(source[10:]).parent.glob("orders.db*"))


def test_reopening_says_whether_it_was_closed(run: Run, source: str, target: str) -> None:
    half_moved(source, target)
    assert run("reopen", source)[1] == "The journal is open: serve from it.\n"
    assert run("reopen", source, "--json")[1] == '{"reopened": false}\n'
    assert run("reopen", f"{source}x")[0] == 1


def test_what_is_no_file_is_not_reopened(run: Run, target: str) -> None:
    code, _, err = run("reopen", target)
    assert (code, err) == (1, "The file is what is reopened, where the journal was: sqlite:///...\n")
