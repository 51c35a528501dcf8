"""Background tasks as runs: what a crash leaves of them, what their steps are called, and what metrics see."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from tenacity import wait_fixed, wait_none

from pipelines import Retry, RunState, start
from pipelines.background import BackgroundWork, TaskBatch
from pipelines.telemetry import PrometheusMetrics
from pipelines.testing import Rehearsal, Survivor, VirtualClock, rehearsal, survives_every_crash
from tests.builders import errands
from tests.builders.deaths_elsewhere import died_with
from tests.builders.errands import HERE
from tests.builders.world import told

MOVES = 4  # an attempt each, and one that is repeated
ONCE = Retry()
TWICE = Retry(on=(Exception,), attempts=2, wait=wait_none())


def batch(work: BackgroundWork, *calls: tuple[Any, ...], stop_on_error: bool = False) -> TaskBatch:
    return TaskBatch(tuple(work.stored(function, args, {}) for function, *args in calls), stop_on_error)


async def begun(stage: Rehearsal, work: BackgroundWork, *calls: tuple[Any, ...], **options: Any) -> Any:
    return await stage.write(start, work, batch(work, *calls, **options))


async def test_a_crash_between_two_tasks_resumes_at_the_next(database_url: str) -> None:
    work, gate = BackgroundWork(HERE), errands.gate()
    async with rehearsal([work], database_url=database_url) as stage:
        run_id = await begun(stage, work, (errands.write, "a"), (errands.wait_at_the_gate, "b"), (errands.send, "c"))
        await gate.reached.wait()
    gate.opened.set()
    async with rehearsal([BackgroundWork(HERE)], database_url=database_url) as stage:
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert errands.done == ["a", "b", "c"]
    assert told(run) == ["do 1 write: success", "do 2 wait_at_the_gate: success", "do 3 send: success"]


async def test_whenever_its_process_dies_each_task_is_done_in_its_turn_or_named_as_failed() -> None:
    work = BackgroundWork(HERE, retry=replace(TWICE, wait=wait_fixed(60)))  # so long that each life has to wait

    def afresh() -> dict[type, object]:
        errands.forget()
        errands.fail("b")
        return {}

    def in_turn(survivor: Survivor) -> None:
        order = list(dict.fromkeys(errands.done))  # at least once: a task that was done may be done again
        assert (order, survivor.run.state) == (["a", "c"], RunState.FAILED)
        assert survivor.run.reason == "2 send: ConnectionError: b is not to be had"

    payload = batch(work, (errands.write, "a"), (errands.send, "b"), (errands.write, "c"))
    assert len(await survives_every_crash(work, payload, provide=afresh, check=in_turn)) > MOVES


async def test_as_many_sync_tasks_go_on_at_once_as_the_process_has_threads_for() -> None:
    work = BackgroundWork(HERE, retry=Retry())
    async with rehearsal([work], threads=errands.MEETING) as stage:
        for number in range(errands.MEETING):
            await begun(stage, work, (errands.meet, str(number)))
        await stage.run_to_the_end()
    assert len(errands.done) == errands.MEETING


async def test_what_a_task_returns_is_nobodys_business() -> None:
    work = BackgroundWork(HERE)
    async with rehearsal([work]) as stage:
        run_id = await begun(stage, work, (errands.give_back, "a"))
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.attempts[0].result) == (RunState.COMPLETED, None)


async def test_a_def_that_returns_what_is_to_be_awaited_has_it_awaited() -> None:
    work = BackgroundWork(HERE)
    async with rehearsal([work]) as stage:
        await begun(stage, work, (errands.send_soon, "a"), (errands.write, "b"))
        await stage.run_to_the_end()
    assert errands.done == ["a", "b"]


async def test_arguments_reach_the_function_as_what_their_annotations_say() -> None:
    work, letter = BackgroundWork(HERE), errands.Letter(to="Ada", lines=("a",))
    async with rehearsal([work]) as stage:
        await begun(stage, work, (errands.keep_letter, letter))
        await stage.run_to_the_end()
    assert errands.done == [letter]


async def test_a_function_that_a_process_may_not_call_waits_for_one_that_may() -> None:
    work, clock = BackgroundWork(HERE), VirtualClock()
    async with rehearsal([BackgroundWork("elsewhere")], clock=clock) as stage:
        run_id = await begun(stage, work, (errands.write, "a"))
        await stage.process.worker.settled()
        run = stage.run(run_id)
        assert (run.state, errands.done) == (RunState.WAITING, [])
        assert told(run) == ["do 1 write: throttled"]
        assert run.due_at - clock.now() > timedelta(minutes=4)
        assert str(run.attempts[0].error).startswith(f"UnknownTask: {HERE} is not one of the modules")


async def test_a_refusal_is_not_tried_again_and_harms_no_other_task() -> None:
    work = BackgroundWork(HERE)
    async with rehearsal([work]) as stage:
        run_id = await begun(stage, work, (errands.refuse, "a"), (errands.write, "b"))
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert told(run) == ["do 1 refuse: rejected", "do 2 write: success"]
    assert (run.state, run.reason) == (RunState.FAILED, "1 refuse: a")


async def test_with_stop_on_error_a_refusal_ends_the_run_as_one() -> None:
    work = BackgroundWork(HERE)
    async with rehearsal([work]) as stage:
        run_id = await begun(stage, work, (errands.refuse, "a"), (errands.write, "b"), stop_on_error=True)
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert (run.state, run.reason, errands.done) == (RunState.REJECTED, "a", [])


async def test_an_async_task_that_takes_too_long_is_broken_off() -> None:
    work = BackgroundWork(HERE, timeout=0.01, retry=Retry(attempts=1))
    errands.gate()
    async with rehearsal([work]) as stage:
        run_id = await begun(stage, work, (errands.wait_at_the_gate, "a"), (errands.write, "b"))
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert run.reason == "1 wait_at_the_gate: StepTimeout: took longer than 0.01 s"
    assert errands.done == ["b"]


async def test_a_run_that_is_retried_does_only_what_had_failed(database_url: str) -> None:
    work = BackgroundWork(HERE, retry=TWICE)
    errands.fail("b", times=2)
    errands.fail("d", times=2)
    async with rehearsal([work], database_url=database_url) as stage:
        run_id = await begun(stage, work, *((errands.write, name) for name in "abcde"))
        await stage.run_to_the_end()
        assert errands.done == ["a", "c", "e"]
        await stage.write(stage.process.steering.retry, run_id, actor="ada")
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert errands.done == ["a", "c", "e", "b", "d"]
    assert (run.state, run.reason) == (RunState.COMPLETED, None)


async def test_a_batch_that_is_retried_after_its_quarantine_forgets_no_task(database_url: str) -> None:
    work, gate = BackgroundWork(HERE, retry=ONCE), errands.gate()
    errands.fail("a", times=1)
    async with rehearsal([work], database_url=database_url) as stage:
        run_id = await begun(stage, work, (errands.write, "a"), (errands.wait_at_the_gate, "b"), (errands.write, "c"))
        await gate.reached.wait()
    async with rehearsal([work], database_url=database_url) as stage:
        for _ in range(3):
            await died_with(stage, alone=run_id)
        quarantined = stage.run(run_id)
        gate.opened.set()
        await stage.write(stage.process.steering.retry, run_id, actor="ada")
        await stage.run_to_the_end()
        assert stage.run(run_id).state is RunState.COMPLETED
    assert str(quarantined.reason).startswith("1 write: ConnectionError: a is not to be had; step 2 wait_at_the_gate k")
    assert errands.done == ["a", "b", "c"]


async def test_without_being_told_whatever_is_raised_is_tried_a_few_times() -> None:
    work = BackgroundWork(HERE)
    errands.fail("a", times=4)
    async with rehearsal([work]) as stage:
        run_id = await begun(stage, work, (errands.write, "a"))
        await stage.run_to_the_end()
        run = stage.run(run_id)
    assert [attempt.outcome for attempt in run.attempts] == [*["retry"] * 4, "success"]


async def test_metrics_have_one_label_for_all_tasks() -> None:
    work, registry = BackgroundWork(HERE, retry=Retry(on=(Exception,), wait=wait_none())), CollectorRegistry()
    async with rehearsal([work], subscribers=[PrometheusMetrics(registry, [work])]) as stage:
        await begun(stage, work, (errands.write, "a"), (errands.send, "b"))
        await stage.run_to_the_end()
    labels = {"pipeline": "background-tasks", "step": "task", "outcome": "success"}
    assert registry.get_sample_value("pipeline_step_attempts_total", labels) == 2
    steps = {sample.labels["step"] for each in registry.collect() for sample in each.samples if "step" in sample.labels}
    assert steps == {"task"}


def test_the_version_depends_on_what_is_stored_and_not_on_the_tasks() -> None:
    assert BackgroundWork("a", retry=ONCE).version == BackgroundWork("b", "c", stop_on_error=True).version


@pytest.mark.parametrize("length", [10, 200])
def test_a_step_has_a_name_that_the_journal_can_keep(length: int) -> None:
    work = BackgroundWork(HERE)
    task = work.stored(errands.write, ("a",), {})
    long = TaskBatch((type(task)(call=f"{HERE}:{'x' * length}"),))
    assert work.first_step_for(long) == f"1 {'x' * length}"[:100]
