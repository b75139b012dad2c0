"""The window: which requests are in the pipeline, and what becomes of each.

The engine computes a head once for all requests only if it is in the cache when they come in; so
the first request with a new head goes ahead, and the others of that head follow when its prompt is
done. Requests with other heads fill the window meanwhile.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from judgefast.engines.child.messages import Entered
from judgefast.engines.embedded.jobs import Job
from judgefast.engines.embedded.pipeline import Pacer, Pipeline, last_line, output_of
from judgefast.engines.embedded.wire import Beat, Done, FromChild, Load, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from judgefast.engines.embedded.pipeline import Grammar

_BEAT_SECONDS = 0.25
_REMEMBERED_HEADS = 4096


class Scheduler:
    """Keeps the pipeline filled, between its steps."""

    def __init__(self, load: Load, send: Callable[[FromChild], None]) -> None:
        self._load = load
        self._send = send
        self._pipeline = Pipeline(load, prefix_cache=True, kv_blocks=load.kv_blocks)
        self._echo: Pipeline | None = None
        self._waiting: dict[int, Job] = {}
        self._live: dict[int, Job] = {}
        self._alone: deque[Job] = deque()
        """To be run with nothing beside them."""
        self._grammars: dict[Grammar, str | None] = {}
        """Those tried, with what the engine has against each."""
        self._heads: OrderedDict[int, int] = OrderedDict()
        """Heads that were computed, by what `_admitted` was when they were last used."""
        self._admitted = 0
        """Cache blocks of all requests that were let in."""
        self._opening: set[int] = set()
        """Heads that a request in flight is computing."""
        self._pacer = Pacer(_BEAT_SECONDS)
        self._steps = self._requests_in_steps = self._primed = self._echoed = self._retried = 0

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not (self._waiting or self._live or self._alone or self._pipeline.busy)

    def put(self, work: Work) -> None:
        """Queue a request."""
        self._waiting[work.number] = Job(work)

    def cancel(self, numbers: Iterable[int]) -> None:
        """Give up on requests; unknown ones are over already."""
        for number in numbers:
            job = self._waiting.pop(number, None) or self._live.get(number)
            if job is None:
                job = next((each for each in self._alone if each.number == number), None)
                if job is None:
                    continue
                self._alone.remove(job)
            for handle in job.handles:
                handle.cancel()  # in force with the next step; what its status says is no guide
            self._finish(job, Done(number=number, cancelled=True))

    def turn(self) -> None:
        """Let requests in, make one step, hand back what is over."""
        self._admit()
        if not self._pipeline.busy:
            return
        self._steps += 1
        self._requests_in_steps += len(self._live)
        try:
            self._pipeline.step()
        except Exception as error:  # noqa: BLE001 - the engine raises what it likes
            self._recover(error)
        else:
            for job in list(self._live.values()):
                self._look_at(job)
        self.beat()

    def beat(self, *, at_once: bool = False) -> None:
        """Say that we live, and what was done so far."""
        if at_once or self._pacer.due():
            beat = Beat(
                steps=self._steps,
                requests_in_steps=self._requests_in_steps,
                primed_heads=self._primed,
                echoed_labels=self._echoed,
                retried=self._retried,
            )
            self._send(beat)

    def _admit(self) -> None:
        if self._alone:
            if not self._live:
                self._start(self._alone.popleft())
            return
        if any(job.alone for job in self._live.values()):
            return
        blocks = sum(job.work.blocks for job in self._live.values())
        for job in list(self._waiting.values()):
            blocks += job.work.blocks
            if len(self._live) >= self._load.room or blocks > self._load.kv_blocks:
                return
            untried = [g for g in job.grammars if g not in self._grammars]
            if untried and self._live:
                return  # a grammar is tried in an empty pipeline: a bad one breaks all in flight
            for grammar in untried:
                self._send(Entered(job.number))
                words = self._pipeline.try_grammar(grammar, job.ids, self.beat)
                self._grammars[grammar] = words
            if any(head in self._opening for head in job.work.heads):
                blocks -= job.work.blocks
                continue
            del self._waiting[job.number]
            bad = next((words for g in job.grammars if (words := self._grammars[g])), None)
            if bad:
                self._finish(job, Done(number=job.number, error=bad))
            else:
                self._start(job)

    def _start(self, job: Job) -> None:
        self._send(Entered(job.number))
        self._live[job.number] = job
        self._admitted += job.work.blocks
        for head in job.work.heads:
            if self._is_cached(head):
                self._use(head)
            else:
                self._opening.add(head)
                job.opens.append(head)
        self._add_reads(job)

    def _is_cached(self, head: int) -> bool:
        """Whether a head is still in the cache: what has come in since cannot have filled it."""
        used = self._heads.get(head)
        return used is not None and self._admitted - used <= self._load.kv_blocks // 2

    def _use(self, head: int) -> None:
        self._heads[head] = self._admitted
        self._heads.move_to_end(head)

    def _add_reads(self, job: Job) -> None:
        try:
            for index, grammar, settings in job.next_reads():
                job.reads[index] = self._pipeline.add(job.ids, grammar, **settings)
        except Exception as error:  # noqa: BLE001 - the engine raises what it likes
            for handle in job.handles:
                handle.cancel()
            self._finish(job, Done(number=job.number, error=last_line(error)))

    def _look_at(self, job: Job) -> None:
        """Take what came of a job's reads in this step."""
        if job.opens and job.prompt_is_done:
            self._opened(job)
        for index, handle in list(job.reads.items()):
            output = output_of(handle)
            if output is None:
                continue
            del job.reads[index]
            if output.finish == "IGNORED":
                self._again_alone(job, "the engine had no room in its cache for it")
                return
            if not job.take(index, output):
                job.logprobs[index] = self._echoed_label(job, index)
        if job.over:
            self._finish(job, job.done())
        elif not job.reads:
            self._add_reads(job)

    def _opened(self, job: Job) -> None:
        for head in job.opens:
            self._opening.discard(head)
            self._use(head)
            self._primed += 1
        job.opens.clear()
        while len(self._heads) > _REMEMBERED_HEADS:
            self._heads.popitem(last=False)

    def _again_alone(self, job: Job, words: str) -> None:
        """Run it once more with nothing beside it; if that was so already, it has failed."""
        for handle in job.handles:
            handle.cancel()
        if job.alone:
            self._finish(job, Done(number=job.number, error=words))
            return
        self._retried += 1
        self._forget(job)
        job.restart_alone()
        self._alone.append(job)

    def _recover(self, error: Exception) -> None:
        """A step raised: all in flight are lost, and one of them is why."""
        jobs = list(self._live.values())
        self._pipeline.settle([handle for job in jobs for handle in job.handles])
        for job in jobs:
            job.reads.clear()
            self._again_alone(job, f"the engine failed on it: {last_line(error)}")

    def _echoed_label(self, job: Job, index: int) -> float:
        """Log-probability of a label that cannot be forced: that of its token behind the prompt.

        Exact only without a prefix cache, so with a pipeline that has none.
        """
        if self._echo is None:
            blocks = -(-self._load.context_tokens // 32) + 1
            kv_blocks = min(blocks, self._load.kv_blocks)
            self._echo = Pipeline(self._load, prefix_cache=False, kv_blocks=kv_blocks)
            self.beat(at_once=True)
        self._echoed += 1
        ids, settings = job.echo(index)
        handle = self._echo.add(ids, None, **settings)
        self._echo.drain(self.beat)
        output = output_of(handle)
        if output is None or output.tokens != ids.tolist() or len(output.logprobs) != len(ids):
            message = "the engine did not echo the prompt"
            raise RuntimeError(message)
        return output.logprobs[-1]

    def _finish(self, job: Job, done: Done) -> None:
        self._forget(job)
        self._send(done)

    def _forget(self, job: Job) -> None:
        self._live.pop(job.number, None)
        self._opening.difference_update(job.opens)
        job.opens.clear()
