"""The Dockerfile as far as it can be judged without building it."""

import re
import sys
import tomllib
from asyncio.subprocess import create_subprocess_exec
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.harness.dockerfile import Stage, read_stages
from tests.harness.manifests import Cluster

_STAGES = read_stages(Path("deploy/Dockerfile"))


@pytest.fixture
def last() -> Stage:
    return _STAGES[-1]


def copies() -> list[tuple[Stage, str]]:
    return [(stage, copy) for stage in _STAGES for copy in stage.every("COPY")]


@pytest.mark.parametrize("stage", _STAGES, ids=lambda stage: stage.name or "last")
def test_a_stage_starts_from_the_image_that_a_user_can_pin(stage: Stage) -> None:
    assert stage.image == "${PYTHON_IMAGE}"


def test_what_is_copied_from_the_project_exists_and_reaches_the_build() -> None:
    let_through = {line[1:] for line in Path(".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {source for _, copy in copies() if "--from" not in copy for source in copy.split()[:-1]}
    assert sources == let_through
    assert [source for source in sources if not Path(source).exists()] == []


def test_what_is_copied_from_another_stage_is_built_before() -> None:
    for stage, copy in copies():
        if copy.startswith("--from="):
            earlier = {other.name for other in _STAGES[: _STAGES.index(stage)]}
            assert copy.split()[0].removeprefix("--from=") in earlier


def test_dependencies_are_hashed_wheels() -> None:
    (install,) = (run for stage in _STAGES for run in stage.every("RUN") if "-r requirements.lock" in run)
    assert "--require-hashes" in install
    assert "--only-binary :all:" in install


@pytest.mark.parametrize("package", ["psycopg-binary", "celery", "redis"])
def test_one_image_has_what_every_role_wants(package: str) -> None:
    assert any(line.startswith(f"{package}==") for line in Path("requirements.lock").read_text().splitlines())


def test_the_image_has_no_compiler(last: Stage) -> None:
    assert not any(tool in run for run in last.every("RUN") for tool in ("apt-get", "gcc", "pip"))


def test_images_under_ours_are_pinned() -> None:
    text = Path("deploy/Dockerfile").read_text()
    assert re.findall(r"(?m)^ARG PYTHON_IMAGE=(.*)$", text) == ["python:3.11-slim-trixie"]


def test_the_image_runs_as_the_user_of_the_pods(last: Stage, cluster: Cluster) -> None:
    contexts = [pod.spec["securityContext"] for pod in cluster.pods]
    assert {f"{context['runAsUser']}:{context['runAsGroup']}" for context in contexts} == {last.the("USER")}


def test_the_image_starts_a_command_of_the_project(last: Stage) -> None:
    scripts = tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]
    (entry_point,) = last.command("ENTRYPOINT")
    assert entry_point in scripts
    assert last.command("CMD") == ["serve"]


def test_the_image_writes_no_byte_code(last: Stage) -> None:
    assert last.environment["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.parametrize(("status", "exit_code"), [(200, 0), (503, 1)])
async def test_the_health_check_follows_livez(last: Stage, status: int, exit_code: int) -> None:
    async def livez(_: web.Request) -> web.Response:
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/livez", livez)
    async with TestServer(app) as server:
        python, *words = last.command("HEALTHCHECK")
        process = await create_subprocess_exec(sys.executable, *words, env={"ORDERS_PORT": str(server.port)})
        assert (python, await process.wait()) == ("python", exit_code)
