import tomllib
from pathlib import Path

from tests.golden.release import LEFT_OUT, RUN_BY, TOO_LARGE, version_of
from tests.harness.releases import archive_before, release_before

OURS = version_of((Path(__file__).parents[2] / "pyproject.toml").read_bytes())
LARGEST_BYTES = 500_000


def minor(version: str) -> tuple[int, int]:
    major, minor, *_ = version.split(".")
    return int(major), int(minor)


def test_the_code_that_is_kept_is_of_the_release_before_ours(tmp_path: Path) -> None:
    before = release_before(tmp_path)
    assert tomllib.loads((tmp_path / "pyproject.toml").read_text())["project"]["version"] == before.version
    assert (
        f"Version: {before.version}\n"
        in (tmp_path / f"orders_service-{before.version}.dist-info" / "METADATA").read_text()
    )
    assert minor(before.version) == (minor(OURS)[0], minor(OURS)[1] - 1)


def test_it_is_small() -> None:
    assert archive_before().stat().st_size < LARGEST_BYTES


def test_it_holds_what_the_release_runs_by_and_no_more(tmp_path: Path) -> None:
    before = release_before(tmp_path)
    files = {file.relative_to(tmp_path): file for file in tmp_path.rglob("*") if file.is_file()}
    assert {name.parts[0] for name in files} == {*RUN_BY, f"orders_service-{before.version}.dist-info"}
    assert all(file.read_bytes() == LEFT_OUT for file in files.values() if file.name in TOO_LARGE)
