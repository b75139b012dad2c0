"""What a report holds, in two parts, and the sums that must be right in each one.

`Results` is a pure function of plan and verdicts: the same for every machine, shard and
interruption. `Operations` is what happened on the way: time, tokens, attempts, launches.
"""

from __future__ import annotations

from typing import Any

import msgspec

from judgefast.costs.budget import Spent  # noqa: TC001 - as below
from judgefast.reports.estimate_bill import EstimateBill  # noqa: TC001 - as below
from judgefast.reports.families import JudgeFamilies  # noqa: TC001 - as below
from judgefast.reports.labels import Confidence, LabelMass  # noqa: TC001 - as below
from judgefast.reports.unused_gold import UnusedGold  # noqa: TC001 - as below
from judgefast.reports.verdict_price import VerdictPrice  # noqa: TC001 - as below
from judgefast.stats.adaptive_found import AdaptiveReport  # noqa: TC001 - as below
from judgefast.stats.aspect_table import AspectTable  # noqa: TC001 - as below
from judgefast.stats.estimate import Estimate  # noqa: TC001 - msgspec reads it to decode
from judgefast.stats.option_bias import OptionOrders  # noqa: TC001 - as above
from judgefast.stats.position import PositionBias  # noqa: TC001 - as above

REPORT_FORMAT = 1
"""Version of the JSON form. Fields are added, never renamed; a change of meaning raises it."""


class LostRowsError(RuntimeError):
    """The counts of a report do not add up: a bug of judgefast, never of the data (status 70)."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Where every row and every planned judgment went. Reasons are the labels of `codes.Status`."""

    read: int
    """Rows read from the data."""
    items: int
    """Rows that became items."""
    skipped: dict[str, int] = {}
    """Rows left out, by reason."""
    skipped_examples: dict[str, list[str]] = {}
    """Up to three a reason: `file:line: words`."""
    planned: int
    """Judgments of the plan."""
    parsed: int
    unparsed: dict[str, int] = {}
    """Judged, but no verdict could be read, by reason."""
    failed: dict[str, int] = {}
    """No answer came, by reason."""
    not_judged: dict[str, int] = {}
    """Never asked, or not to the end, by reason."""

    def check(self) -> None:
        """Hold the report to the first invariant: no row is lost, none invented.

        Raises:
            LostRowsError: A sum is wrong, or a count is negative; the message shows the sum.

        """
        _check_sum("read", self.read, {"items": [self.items], "skipped": [*self.skipped.values()]})
        parts = {
            "parsed": [self.parsed],
            "unparsed": [*self.unparsed.values()],
            "failed": [*self.failed.values()],
            "not judged": [*self.not_judged.values()],
        }
        _check_sum("planned", self.planned, parts)


class RubricFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked, and how two orders become one outcome."""

    name: str
    mode: str
    """`pairwise`, `scalar`, `binary` or `choice`."""
    rule: str
    """Rule of reconciliation."""
    one_failed: str
    """What becomes of a comparison of which one order was not read: `pair`, `single`, `tie`."""
    orders: str
    """`both`, `one` or `adaptive`."""
    pairs: str = "all"
    """Of several answers: `all`, `baseline NAME` or `sparse:K`."""
    repeats: int
    prompt_hash: str
    """64 hex digits."""
    parse_hash: str
    """64 hex digits."""


class UnparsedExample(msgspec.Struct, frozen=True, kw_only=True):
    """One completion of a reason, so that a person sees what kind of text could not be read."""

    reason: str
    item_id: str
    order: str
    """`forward`, `swapped`, or empty where there is only one."""
    excerpt: str
    """Beginning of the text."""


COUNTED_BY_PLAN = (
    "truncated_items",
    "truncated_judgments",
    "truncated_tokens",
    "replaced_characters",
)
"""Fields of `Results` that the plan has counted."""


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. A pure function of plan and verdicts."""

    format: int = REPORT_FORMAT
    run: str
    """Name of the run: the last part of its directory."""
    rubric: RubricFacts
    judge: str
    """Model and digest of its weights, as in the plan; over HTTP the served name."""
    families: JudgeFamilies | msgspec.UnsetType = msgspec.UNSET
    """The judge's beside those of the candidates."""
    counts: Counts
    empty_answers: dict[str, int] = {}
    """Rows with an empty answer, by model."""
    lost_by_empty: int = 0
    """Comparisons decided by `--on-empty lose` without asking the judge."""
    unused_gold: UnusedGold | msgspec.UnsetType = msgspec.UNSET
    """Gold that the rubric cannot use; not there where there is none."""
    without_baseline: int = 0
    """Items without an answer of the baseline that all pairs are with: nothing is asked of them."""
    truncated_items: int = 0
    """Items that were judged by shortened answers, for length (`--truncate balanced`)."""
    truncated_judgments: int = 0
    truncated_tokens: int = 0
    """Tokens of answers that these judgments did not show."""
    replaced_characters: int = 0
    """Characters that the judge's vocabulary lacks; they became U+FFFD in prompts."""
    replaced_surrogates: int = 0
    """Lone surrogates in rows and replies; they became U+FFFD."""
    outcomes: dict[str, int] = {}
    """Outcomes by `codes.OutcomeStatus`."""
    estimates: list[Estimate] = []
    aspects: AspectTable | msgspec.UnsetType = msgspec.UNSET
    """Of a rubric with several; not there where there is one."""
    adaptive: AdaptiveReport | msgspec.UnsetType = msgspec.UNSET
    """What adaptive orders saved, and what they could have left out; not there with others."""
    position_bias: PositionBias | None = None
    options: OptionOrders | msgspec.UnsetType = msgspec.UNSET
    """What the order of a question's options did; of judges that take typed questions."""
    confidence: Confidence | msgspec.UnsetType = msgspec.UNSET
    """Not there where no label was read by probability."""
    label_mass: LabelMass | None = None
    findings: list[str] = []
    """Sentences for a person, by the published rule; the weightiest first."""
    unparsed_examples: list[UnparsedExample] = []
    """One a reason."""

    @property
    def quotable(self) -> list[Estimate]:
        """Every estimate: those of positions and options, and the correlations of aspects too."""
        bias, aspects, options = self.position_bias, self.aspects, self.options
        return [
            *self.estimates,
            *([] if bias is None else bias.estimates),
            *([] if options is msgspec.UNSET else options.estimates),
            *([] if aspects is msgspec.UNSET else aspects.correlations),
        ]


class Seconds(msgspec.Struct, frozen=True, kw_only=True):
    """Wall time of each phase, over all launches. None where a phase did not run."""

    read: float | None = None
    plan: float | None = None
    load: float | None = None
    """Starting the engine."""
    judge: float | None = None
    report: float | None = None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Sums over all attempts; None where the engine does not say."""

    prompt: int | None = None
    """Cached ones included."""
    cached: int | None = None
    computed: int | None = None
    """Prompt tokens that were not cached."""
    completion: int | None = None
    reasoning: int | None = None
    """Of those of the completion, what the judge thought before it answered."""


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens of the requests that were answered: as planned, and as the engine counted them."""

    requests: int
    planned_prompt: int
    counted_prompt: int
    """Over all answers, superseded ones too."""
    planned_cached: int | None = None
    """By the simulated cache; None where the plan knew of no cache."""
    counted_cached: int | None = None
    """None where the engine does not say."""
    differs: list[str] = []
    """`prompt`, `cached`: what differs by more than 1 % of the larger number."""
    because: list[str] = []
    """What is known to part them; empty where nothing differs, or nothing is known."""


class FirstRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How long the latest launch took until its first request was sent, and what with. Seconds."""

    seconds: float
    """From the start of the run, the loading of code and rubric included."""
    read: float | None = None
    plan: float | None = None
    load: float | None = None
    """What the engine still had to be waited for once everything was planned."""
    engine: dict[str, float] = {}
    """What its process was busy with meanwhile, in its own order: `import`, `waiting` (to be told
    what to load), `start` (weights, compiling, graphs); `compile`, a part of `start`."""


class RunBudget(msgspec.Struct, frozen=True, kw_only=True):
    """The budget of a run, and what all its starts have spent."""

    given: list[str]
    """As `--budget` takes them; the first that is reached stops a run."""
    reached: str | None
    """Unit of the one that stopped the latest start; None where none did."""
    spent: Spent
    price: str | None = None
    """Of a GPU-hour at the latest start: `given`, or with its provider and date. Of tokens, where
    the judge is paid by them: whose it is, and of which day."""
    items_in_part: int = 0
    """Items of which some judgments were asked, and others not."""
    given_up: int = 0
    """Requests of the latest start that were in flight when time was up: what they took in tokens
    is in no count."""
    sent_again: int = 0
    """Prompts that the engine sent a second time by itself, over all starts (`resent`, `hedged` of
    its counters): what the copies took in tokens is in no count."""
    killed: int = 0
    """Starts whose end is not known: their time is counted to the last moment known of them."""
    go_on: str | None = None
    """Command that continues the run, with about the budget that it takes to the end."""


class LaunchFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One start of the program."""

    id: str
    """32 hex digits."""
    machine: str
    engine: dict[str, Any]
    """As the engine gave them when it started: name, version, settings in force, device."""
    judgments: int
    """Verdicts of the report that came from this launch."""


class SendingOrder(msgspec.Struct, frozen=True, kw_only=True):
    """In which order requests were sent first, as one digest over prefix groups and ids."""

    planned: str
    """32 hex digits: as the plan has it."""
    sent: str
    """As the journal has it; what it does not know of is where the plan has it."""
    requests: int
    """Requests that are to be sent."""
    known: int
    """Of these, how many the journal knows the time of."""


class Operations(msgspec.Struct, frozen=True, kw_only=True):
    """What happened on the way. Differs between machines and after an interruption."""

    seconds: Seconds = Seconds()
    judgments_per_second: float | None = None
    """Over the judge phase."""
    tokens: Tokens = Tokens()
    tokens_per_second: float | None = None
    """Prompt and completion tokens together, over the judge phase."""
    requests: int = 0
    """Requests that were asked at least once."""
    asked_once: int = 0
    """Requests that were saved, because one with the same content or of another aspect answered."""
    order: SendingOrder | None = None
    """None where no plan is read."""
    attempts: int = 0
    """Completions and errors, over all launches."""
    superseded: int = 0
    """Completions that do not count, because another answers the same request."""
    servers: Tokens | None = None
    """Tokens as the judge's servers count them, those of all their users while launches judged;
    None where they do not say. Prompts of a list are counted there alone."""
    bill: Bill | None = None
    """None where the plan, or the engine, counted no tokens."""
    estimate: EstimateBill | None = None
    """None where nothing was foretold: the judge does not work on this machine."""
    hedged: int | None = None
    """Requests that were sent to a second server as well; None where no engine does that."""
    in_flight_mean: float | None = None
    """Requests at the engine, averaged over the judge phase."""
    first_request: FirstRequest | None = None
    """None where no engine has said what its start was spent on."""
    budget: RunBudget | None = None
    """None where the run has none."""
    price: VerdictPrice | msgspec.UnsetType = msgspec.UNSET
    """Of judges that are paid by the token."""
    preemptions: int | None = None
    """Requests that an engine threw out half done for lack of memory, to do them again."""
    launches: list[LaunchFacts] = []
    notes: list[str] = []
    """Torn segments that were closed, damaged ones that were set aside, and the like."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about a run."""

    results: Results
    operations: Operations


def _check_sum(name: str, whole: int, parts: dict[str, list[int]]) -> None:
    counts = [count for part in parts.values() for count in part]
    if whole == sum(counts) and min(counts) >= 0:
        return
    terms = " + ".join(f"{sum(part)} {label}" for label, part in parts.items())
    msg = f"the counts do not add up: {whole} {name}, but {terms}"
    raise LostRowsError(msg)
