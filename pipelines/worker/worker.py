"""The part of a process that takes runs and carries them from step to step. It only wires: slots, hands, claims."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from pipelines.committer import Committer
from pipelines.errors import Fenced, JournalError
from pipelines.events import Events, RunStarted
from pipelines.journal import (
    PipelineIsPaused,
    PipelineIsResumed,
    RunIsCancelled,
    RunIsOurs,
    RunIsReady,
    claiming,
    suspects,
)
from pipelines.run import Run
from pipelines.worker.hand import Hand, Interrupted, Interruption
from pipelines.worker.insisting import insist
from pipelines.worker.pauses import Pauses
from pipelines.worker.quiet_room import QuietRoom
from pipelines.worker.runner import Runner
from pipelines.worker.slots import Slots
from pipelines.worker.wiring import WiredPipeline

LAST_WORDS_SECONDS = 2.0
MOST_AT_ONCE = 16  # runs per claim; with their later steps and those of the last claims, enough for a batch


class Worker:
    """Call it from the event loop only."""

    def __init__(
        self,
        committer: Committer,
        runner: Runner,
        slots: Slots,
        wired: Mapping[tuple[str, str], WiredPipeline],
        events: Events,
        *,
        pauses: Pauses,
    ) -> None:
        self._committer = committer
        self._runner = runner
        self._slots = slots
        self.known: claiming.Known = {key: each.pipeline for key, each in wired.items()}
        self._events = events
        self.pauses = pauses
        self._hands: dict[UUID, Hand] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._claiming: asyncio.Task[None] | None = None
        self._is_more = False
        self._is_suspect_due = False
        self._shaken = 0
        self._room = QuietRoom(slots, self._hands, self._go_on)
        self._dropped: list[Run] = []
        self._leaving = False
        self._bug: BaseException | None = None
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def hands(self) -> Mapping[UUID, Hand]:
        """The runs that this worker holds."""
        return self._hands

    @property
    def claimable(self) -> claiming.Known:
        """What it knows, without what is paused."""
        if not self.pauses:
            return self.known
        return {key: pipeline for key, pipeline in self.known.items() if pipeline.name not in self.pauses}

    @property
    def has_room(self) -> bool:
        """Whether one more run could be taken."""
        return self._slots.is_any_free

    def receive(self, news: Sequence[object]) -> None:
        """Wake-ups of a committed batch. They are hints: whoever misses one is found by the sweep."""
        for item in news:
            match item:
                case RunIsOurs(run):
                    self._events.emit(RunStarted(run.id, run.pipeline))
                    self._take_on(run)
                case RunIsReady():
                    self._events.emit(RunStarted(item.run_id, item.pipeline))
                    self.look()
                case RunIsCancelled(run_id) if run_id in self._hands:
                    self._hands[run_id].interrupt(Interruption.CANCELLED)
                case PipelineIsPaused(pipeline):
                    self.pauses.begin(pipeline)
                case PipelineIsResumed(pipeline):
                    self.pauses.end(pipeline)
                    self.look()
                case _:
                    self.look()

    def look(self) -> None:
        """Claim what is due, soon. Calls that come meanwhile make it look once more."""
        self._is_more = True
        if self._claiming is None and not self._leaving:
            self._claiming = asyncio.get_running_loop().create_task(self._claim_all(), name="claim")
            self._claiming.add_done_callback(self._hear_out)

    def look_for_suspects(self) -> None:
        """Claim one with which processes have died, as soon as it can be alone here, and the next after it."""
        if not self._leaving:
            self._is_suspect_due = True
            self.look()

    async def _claim_all(self) -> None:
        try:
            while self._is_more:
                if self._is_suspect_due and self._room.is_free and self._slots.count:
                    await self._claim_suspect()
                if not (slots := self._slots.take_up_to(MOST_AT_ONCE)):
                    return
                self._is_more = False
                may_be_more = await self._claim(slots)
                self._is_more = self._is_more or may_be_more  # read after the wait: somebody may have called meanwhile
        except JournalError:
            pass  # the sweep will look again
        finally:
            self._claiming = None

    async def _claim(self, slots: int) -> bool:
        """Whether there may be more."""
        return len(await self._claimed(slots, claiming.claim, slots)) == slots

    async def claim_these(self, named: Collection[UUID], slots: int) -> set[UUID]:
        """Claim those of these runs that can be; so many slots were taken for them. Says which."""
        return {run.id for run in await self._claimed(slots, claiming.claim_these, named)}

    async def _claimed(self, slots: int, claim: Callable[..., list[Run]], what: object) -> list[Run]:
        runs: list[Run] = []
        try:
            runs = await self._committer.progress(claim, self.claimable, what, claiming.MOST_SHAKEN - self._shaken)
        finally:
            self._slots.give_back(slots - len(runs))
        for run in runs:
            self._take_on(run)
        await asyncio.sleep(
            0
        )  # what these want written goes first: a process takes runs as fast as it gets on with them
        return runs

    async def _claim_suspect(self) -> None:
        self._is_suspect_due = False
        suspect = await self._committer.progress(suspects.claim_one, self.claimable)
        if suspect is not None:
            self._slots.take_beyond()
            if not self._leaving:
                self._room.shut_for(suspect)
            self._take_on(suspect)

    def _take_on(self, run: Run) -> None:
        self._shaken += run.crashes == 1
        hand = self._hands[run.id] = Hand(run.id, run.pipeline, self.pauses)
        if self._leaving:  # it was on its way to us when we began to leave
            hand.leave()
        self._idle.clear()
        self.look_after(self._carry(run, hand), name=f"run {run.id}")

    def look_after(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Have it done in a task of its own, which ends at the latest when this worker stops."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._hear_out)
        return task

    def _hear_out(self, task: asyncio.Task[None]) -> None:
        """What a claim or a run dies of, if it is not the journal's trouble, is a bug: it is told at once."""
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._bug = error
            said = {"message": f"the task {task.get_name()!r} died", "exception": error, "task": task}
            task.get_loop().call_exception_handler(said)

    async def _carry(self, run: Run, hand: Hand) -> None:
        try:
            if run.is_suspect:
                await self._be_alone(run)
            delay = await self._runner.carry_on(run, hand, self._room)
            if delay is not None:
                self.look_in(delay)
        except Fenced:
            pass  # whoever has it now carries it on
        except Interrupted as interrupted:
            await self._hand_over(run, at_once=run.is_suspect or interrupted.interruption is Interruption.PAUSED)
        except JournalError:
            await self._hand_over(run, at_once=run.is_suspect)
        except BaseException:
            self._dropped.append(run)
            raise
        finally:
            self._let_go(run)

    async def _hand_over(self, run: Run, *, at_once: bool) -> None:
        """A process that leaves gives back all that it has; one whose pipeline is paused, only this.

        A suspect goes before the others go on: it would be blamed alone for what they do then.
        """
        try:
            if at_once:
                await insist(self._committer, claiming.give_back_one, run)
            else:
                self._dropped.append(run)
        except JournalError:
            self._dropped.append(run)

    def _let_go(self, run: Run) -> None:
        del self._hands[run.id]
        self._slots.give_back()
        self._shaken -= run.crashes == 1
        if not self._hands:
            self._idle.set()
        if self._room.is_shut:
            self._room.leave(run.id)
            self._room.look_round()
        if self._is_more or run.crashes == 1:
            self.look()

    async def _be_alone(self, suspect: Run) -> None:
        """Return when no other step is in flight here, and the journal knows it. `Interrupted` if that takes long."""
        if not await self._room.quiet():
            raise Interrupted(Interruption.LEAVING)
        await insist(self._committer, suspects.set_solo, suspect, is_solo=True)
        self._room.begin()

    async def let_out_the_slow(self) -> None:
        """Let the others go on beside a suspect that has been alone for very long."""
        slow = self._room.slow()
        if slow is not None:
            with suppress(Fenced):  # it has just ended
                await self._committer.progress(suspects.set_solo, slow, is_solo=False)
            self._room.leave(slow.id)

    def _go_on(self, rest_seconds: float) -> None:
        """The room is open: take what came meanwhile and, when the others have had their turn, the next suspect."""
        if not self._leaving:
            self.look()
            asyncio.get_running_loop().call_later(rest_seconds, self.look_for_suspects)

    def look_in(self, delay: timedelta) -> None:
        """Look when a run that was put off here is due; should we miss it, the sweep does not."""
        asyncio.get_running_loop().call_later(delay.total_seconds() + 0.01, self.look)

    async def give_back_dropped(self) -> None:
        """Free the runs that this worker let go of without an end, so that they do not wait for our death."""
        while self._dropped:
            await insist(self._committer, claiming.give_back_one, self._dropped.pop())
            self.look()

    def interrupt_all(self, interruption: Interruption) -> None:
        """Break off what calls the outside; what is in the committer finishes."""
        for hand in self._hands.values():
            hand.interrupt(interruption)

    def leave_between_steps(self) -> None:
        """Take nothing more, and hand each run over after the step that it is in."""
        self._leaving = True
        self._slots.close()
        for hand in self._hands.values():
            hand.leave()
        self._room.open()  # who pauses there is handed over

    async def idle(self) -> None:
        """Until it holds no run."""
        await self._idle.wait()

    async def settled(self) -> None:
        """Until it holds no run, and looks for none. Raises what a claim or a run has died of meanwhile."""
        while self._claiming is not None or self._hands or (self._is_suspect_due and self._room.rest_seconds):
            if self._claiming is not None:
                await asyncio.wait([self._claiming])
            elif self._hands:
                await self._idle.wait()
            else:  # by itself it would look a moment later
                await asyncio.sleep(self._room.rest_seconds)
                self.look()
        await asyncio.sleep(0)  # for what has died in this very moment to be heard
        if (bug := self._bug) is not None:
            self._bug = None
            raise bug

    async def stop(self) -> None:
        """End what is left; the journal will say where each run stands."""
        tasks = [*self._tasks, *([self._claiming] if self._claiming else [])]
        for task in tasks:
            task.cancel()
        if tasks:  # a step that shrugs off its cancellation must not keep the process
            await asyncio.wait(tasks, timeout=LAST_WORDS_SECONDS)
