"""Who judges, by what: the rubric in force, the engine, and the prompts between them."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from judgefast.codes import RULES
from judgefast.datasets.options import ReadOptions
from judgefast.engines import create_engine, engine_names
from judgefast.errors import ConfigError
from judgefast.journal.manifest import NAME, EngineFacts, ModelFacts, RubricFacts, read_manifest
from judgefast.journal.recordings import recorded_rows, tells_masses
from judgefast.pipeline.adaptive import check_orders
from judgefast.pipeline.tuned import tuned_for, words_of
from judgefast.prompts.builtin import load_rubric
from judgefast.prompts.plan import PromptPlan
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from judgefast.config import RunConfig
    from judgefast.engines.base import Engine
    from judgefast.prompts.rubric import Rubric
    from judgefast.prompts.verdict_format import VerdictFormat


class Judge(NamedTuple):
    """What stays the same over a run's launches."""

    rubric: Rubric
    """With what the options of the run replace in it."""
    engine: Engine
    prompts: PromptPlan
    tuned: Mapping[str, Any] = MappingProxyType({})
    """Options of the engine that a sweep has found, and that are in force."""

    @property
    def name(self) -> str:
        """Identity that is part of every key."""
        return self.engine.model.judge

    @property
    def aspects(self) -> list[str]:
        """Names of the rubric's aspects, by code."""
        return [aspect.name for aspect in self.rubric.aspects]

    @property
    def rendered(self) -> bool:
        """Whether the engine reads prompts; a replay reads coordinates alone."""
        return self.engine.capabilities.takes != "key"

    def read_options(self, config: RunConfig, *, is_whole: bool = True) -> ReadOptions:
        """How rows are read for this judge; `is_whole` is false for a window of a stream."""
        recordings = getattr(self.engine, "recordings", None)
        return ReadOptions(
            map=config.map,
            on_bad_row=config.on_bad_row,
            on_empty=config.on_empty,
            max_row_bytes=config.max_row_bytes,
            texts_required=self.rendered,
            is_whole=is_whole,
            num_answers=2 if recordings is None else recordings.num_answers,
        )

    def rubric_facts(self) -> RubricFacts:
        """The rubric as the manifest keeps it."""
        return RubricFacts(
            name=self.rubric.name,
            toml=self.rubric.source,
            prompt_hash=self.prompts.prompt_hash,
            parse_hash=self.rubric.parse_hash,
        )

    def model_facts(self) -> ModelFacts:
        """The model as the manifest keeps it."""
        model = self.engine.model
        tokenizer = "" if model.tokenizer is None else model.tokenizer.sha256
        return ModelFacts(name=model.name, digest=model.digest, tokenizer=tokenizer)

    def engine_facts(self, config: RunConfig) -> EngineFacts:
        """The engine as the manifest keeps it, with what was tuned for this machine."""
        tuned = dict(self.tuned)
        options = tuned | dict(config.engine_args)
        return EngineFacts(name=self.engine.name, options=options, tuned=tuned)


def judge_of(  # noqa: PLR0913 - what a caller may bring along, by keyword
    config: RunConfig,
    *,
    engine: Engine | None = None,
    recorded: Any = None,  # noqa: ANN401 - rows
    rubric: Rubric | None = None,
    started: dict[str, Any] | None = None,
    is_to_plan: bool = False,
    made_with: EngineFacts | None = None,
    say: Callable[[str], None] | None = None,
) -> Judge:
    """Load the rubric and build the engine; nothing is started yet.

    Args:
        config: The options of the run.
        engine: An engine that is there already, instead of `config.engine`.
        recorded: Recorded outputs for a replay, instead of the path `config.recorded`.
        rubric: The rubric as a run keeps it, instead of the one called `config.rubric`.
        started: What a start of the engine recorded, by which it need not ask anybody again.
        is_to_plan: The engine is never started, and need not be able to.
        made_with: The engine that a run which is there was made with. What was tuned for it then
            counts, and nothing that was tuned since: a run has one setting.
        say: Told of settings that were tuned on this machine.

    Raises:
        ConfigError: An option does not fit the engine, or the rubric.
        RubricError: The rubric has a mistake, or asks for what the engine cannot do.
        ModelError: The judge model is missing or does not fit.

    """
    rubric = rubric_in_force(config, rubric)
    _check_pairs(config, rubric)
    tuned: dict[str, Any] = {}
    if engine is None:
        options = _engine_options(config, rubric, recorded)
        if made_with is None:
            engine, tuned = _tuned_engine(config.engine, options, is_to_plan=is_to_plan, say=say)
        else:
            of_run = made_with.tuned if made_with.name == config.engine else {}
            tuned = {name: value for name, value in of_run.items() if name not in options}
            engine = create_engine(config.engine, is_to_plan=is_to_plan, **(tuned | options))
        if started and (recall := getattr(engine, "recall", None)):
            recall(started)
    prompts = prompts_of(config, rubric, engine)
    check_orders(config, rubric, prompts)
    return Judge(rubric, engine, prompts, tuned)


def engine_of(  # noqa: PLR0913 - as `judge_of`
    config: RunConfig,
    rubric: Rubric | None = None,
    recorded: Any = None,  # noqa: ANN401 - rows
    *,
    is_to_plan: bool = False,
    tuned: bool = True,
    say: Callable[[str], None] | None = None,
) -> Engine:
    """Build the engine that a run is given by its options.

    Args:
        config: The options of the run.
        rubric: Matters to a replay alone.
        recorded: As in :func:`judge_of`.
        is_to_plan: As there.
        tuned: Whether settings count that a sweep has found best here, below what is given.
        say: Told of them.

    Raises:
        ConfigError: An option does not fit it.
        ModelError: The judge model is missing.

    """
    options = _engine_options(config, rubric, recorded)
    if not tuned:
        return create_engine(config.engine, is_to_plan=is_to_plan, **options)
    return _tuned_engine(config.engine, options, is_to_plan=is_to_plan, say=say)[0]


def _tuned_engine(
    name: str,
    options: dict[str, Any],
    *,
    is_to_plan: bool,
    say: Callable[[str], None] | None,
) -> tuple[Engine, dict[str, Any]]:
    """Build an engine with what was tuned for it here, and give that."""
    engine = create_engine(name, is_to_plan=is_to_plan, **options)
    found = tuned_for(engine, options)
    if found is None:
        return engine, {}
    engine.close()
    if say is not None:
        say(words_of(found))
    return create_engine(name, is_to_plan=is_to_plan, **(found.options | options)), found.options


def rubric_in_force(config: RunConfig, rubric: Rubric | None = None) -> Rubric:
    """The rubric with what the options of a run replace in it.

    Raises:
        RubricError: There is no such rubric, or it has a mistake.
        ConfigError: There is no rule of that name.

    """
    if rubric is None:
        if not config.rubric:
            msg = "no rubric was named"
            raise ConfigError(msg, hint="add --rubric NAME; `judgefast rubrics` lists them")
        rubric = load_rubric(config.rubric)
    if config.rule is not None and config.rule not in RULES:
        msg = f"no rule named `{config.rule}`"
        raise ConfigError(msg, hint=f"rules: {', '.join(RULES)}")
    changes: dict[str, Any] = {}
    if config.rule is not None:
        changes["rule"] = config.rule
    if config.one_failed is not None:
        changes["one_failed"] = config.one_failed
    if config.lenient:
        lenient = (msgspec.structs.replace(form, lenient=True) for form in rubric.verdicts)
        changes["verdicts"] = tuple(lenient)
    return msgspec.structs.replace(rubric, **changes) if changes else rubric


def prompts_of(config: RunConfig, rubric: Rubric, engine: Engine) -> PromptPlan:
    """The prompts of a run by a rubric.

    Raises:
        JudgefastError: As `judge_of`.

    """
    return PromptPlan(
        rubric,
        engine.model,
        engine.capabilities,
        truncate=config.truncate is not None,
        token_cache=None if config.token_cache is None else Path(config.token_cache),
    )


def _check_pairs(config: RunConfig, rubric: Rubric) -> None:
    if config.pairs == "all":
        return
    if rubric.mode != "pairwise":
        msg = f"`pairs` is {config.pairs}, but the rubric `{rubric.name}` compares no two answers"
        raise ConfigError(msg, hint=f"leave `pairs` out: its mode is {rubric.mode}")
    if config.pairs == "baseline" and config.baseline is None:
        msg = "`pairs` is baseline, but no baseline is named"
        raise ConfigError(msg, hint="add --baseline MODEL, with whose answers others are compared")


def other_rubric(own: Rubric, name: str, config: RunConfig, *, probabilities: bool) -> Rubric:
    """Load another rubric to read a run by, which asks what its own does.

    Args:
        own: That of the run.
        name: The other: built in, or the path of a TOML file.
        config: The options of the run.
        probabilities: Whether the run has read label probabilities. They are kept in the order of
            its labels: another rubric with labels must have the same.

    Raises:
        ConfigError: It asks something else.

    """
    other = rubric_in_force(config, load_rubric(name))
    asks = ("mode", "reference", "date", "examples", "template", "decoding")
    differs = [field for field in asks if getattr(other, field) != getattr(own, field)]
    unweighted = [
        [msgspec.structs.replace(aspect, weight=1) for aspect in rubric.aspects]
        for rubric in (own, other)
    ]
    if unweighted[0] != unweighted[1]:
        differs.append("aspects")
    elif probabilities and any(map(_has_other_labels, own.verdicts, other.verdicts)):
        differs.append("labels")
    if differs:
        msg = f"`{name}` asks something else than this run did: {', '.join(differs)} differ"
        raise ConfigError(
            msg, hint="only how answers are read may change; judge anew for another prompt"
        )
    return other


def _has_other_labels(own: VerdictFormat, other: VerdictFormat) -> bool:
    """Whether probabilities of the labels of one would be taken for those of other labels."""
    texts, others = ([label.text.strip() for label in form.labels] for form in (own, other))
    return bool(others) and texts != others


def _engine_options(config: RunConfig, rubric: Rubric | None, recorded: Any) -> dict[str, Any]:  # noqa: ANN401 - rows
    options = dict(config.engine_args)
    if config.model is not None:
        options["model"] = config.model
    of_servers = {
        "base_url": (list(config.base_url), ("http", "decisions")),
        "api": (config.api, ("http",)),
        "dialect": (config.dialect, ("decisions",)),
        "tokenizer": (config.tokenizer, ("http", "decisions")),
    }
    for name, (value, engines) in of_servers.items():
        if value:
            options[name] = value
            if config.engine not in engines and config.engine in engine_names():
                those = " and ".join(f"`{each}`" for each in engines)
                of = "the engine" if len(engines) == 1 else "the engines"
                msg = f"`{name}` is for {of} {those}, not for `{config.engine}`"
                raise ConfigError(msg, hint=f"add --engine {engines[0]}, or leave `{name}` out")
    if config.engine == "replay":
        rubric = rubric or rubric_in_force(config)
        if recorded is None and config.recorded is None:
            msg = "the engine `replay` has nothing to replay"
            raise ConfigError(msg, hint="add --recorded FILE, or a finished run directory")
        options["recorded"] = _recordings(config.recorded, rubric) if recorded is None else recorded
        if recorded is None and not _has_mass(Path(str(config.recorded))):
            options.setdefault("label_mass", False)
        pairs = zip(rubric.aspects, rubric.verdicts, strict=True)
        options["verdict_format"] = {aspect.name: form for aspect, form in pairs}
    elif config.recorded is not None and config.engine in engine_names():
        msg = f"`recorded` is for the engine `replay`, not for `{config.engine}`"
        raise ConfigError(msg, hint="add --engine replay, or leave --recorded out")
    return options


def _recordings(path: str | None, rubric: Rubric) -> Any:  # noqa: ANN401 - a path or rows
    """What a path records: the file, or the answers of a run where it is a run directory."""
    folder = Path(str(path))
    if not (folder / NAME).is_file():
        return path
    _check_labels(folder, rubric)
    return list(recorded_rows(folder))


def _has_mass(folder: Path) -> bool:
    """Whether what labels sum to says something in the run that a path records, if it is one."""
    return not (folder / NAME).is_file() or tells_masses(folder)


def _check_labels(folder: Path, rubric: Rubric) -> None:
    """Refuse probabilities of other labels: a run keeps them without the labels' texts."""
    manifest = read_manifest(folder)
    if not manifest.options.get("probabilities"):
        return
    asked = read_rubric(manifest.rubric.toml, manifest.rubric.name)
    names = [aspect.name for aspect in asked.aspects]
    for aspect, form in zip(rubric.aspects, rubric.verdicts, strict=True):
        if aspect.name not in names:
            continue
        own = asked.verdicts[names.index(aspect.name)]
        if _has_other_labels(own, form):
            msg = f"`{folder}` holds probabilities of other labels than `{rubric.name}` has"
            texts = ", ".join(f"`{label.text.strip()}`" for label in own.labels)
            hint = f"in the aspect `{aspect.name}` they are those of {texts}, in this order"
            raise ConfigError(msg, hint=hint)
