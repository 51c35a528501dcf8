"""Keep the code of a release: `python -m tests.golden.release v0.2.0`, once, when it is made; drop the one before.

What comes out is `releases/0.2.0.tar.xz`: all that the release needs to serve, and nothing that it only shows.
"""

import io
import lzma
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "releases"
ROOT = Path(__file__).parents[2]
RUN_BY = ("pyproject.toml", "migrations", "orders_service", "pipelines")  # migrations: it must know which are newer
TOO_LARGE = ("swagger-ui-bundle.js", "swagger-ui.css")
LEFT_OUT = b"/* Left out of this archive. */\n"
_UNREAD = (".md", ".txt", "LICENSE")


def version_of(pyproject: bytes) -> str:
    return str(tomllib.loads(pyproject.decode())["project"]["version"])


def files_of(commit: str) -> Iterator[tuple[str, bytes]]:
    """As they were committed, in an order of their own."""
    archive = subprocess.run(  # noqa: S603 - the same
        ["git", "archive", "--format=tar", commit, *RUN_BY],  # noqa: S607 - the developer's own
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in sorted(tar.getmembers(), key=lambda member: member.name):
            if (content := tar.extractfile(member)) is not None and not member.name.endswith(_UNREAD):
                yield member.name, LEFT_OUT if member.name.endswith(TOO_LARGE) else content.read()


def metadata(version: str) -> tuple[str, bytes]:
    """As if it had been installed, or it would find the version of whoever else is."""
    text = f"Metadata-Version: 2.1\nName: orders-service\nVersion: {version}\n"
    return f"orders_service-{version}.dist-info/METADATA", text.encode()


def packed(files: dict[str, bytes]) -> bytes:
    """The same bytes for the same files, whoever packs them and when."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return lzma.compress(buffer.getvalue(), preset=9 | lzma.PRESET_EXTREME)


def main(commit: str) -> None:
    files = dict(files_of(commit))
    version = version_of(files["pyproject.toml"])
    files |= [metadata(version)]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{version}.tar.xz").write_bytes(packed(files))


if __name__ == "__main__":
    main(sys.argv[1])
