"""`judgefast bench`: workloads measured on an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from judgefast.cli.groups import SuggestingGroup
from judgefast.cli.options import Pair, engine_value
from judgefast.cli.output import put, say
from judgefast.errors import ConfigError
from judgefast.reports.inert import line


class BenchGroup(SuggestingGroup):
    """A group whose first word may be a workload: then it is `run` that is meant."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before whatever is no command."""
        if args and args[0] not in {*self.commands, "-h", "--help"}:
            args = ["run", *args]
        return super().parse_args(ctx, args)


@click.group(cls=BenchGroup, invoke_without_command=True)
@click.pass_context
def bench(ctx: click.Context) -> None:
    """Measure a workload on an engine: judgments, tokens, hours, money.

    WORKLOAD is a name that `judgefast bench` lists, a file of yours (with --rubric), or a run
    directory. `judgefast bench run --help` has the flags; `run` may be left out.

    Example: judgefast bench worked-example --engine embedded --repeats 3
    """
    if ctx.invoked_subcommand is not None:
        return
    from judgefast.benchmarks.workloads import SHAPES  # noqa: PLC0415 - on first use

    width = max(map(len, SHAPES))
    for shape in SHAPES.values():
        put(f"{shape.name:<{width}}  {shape.about}")


@bench.command()
@click.argument("workload")
@click.option("--rubric", help="Of a file of yours: built-in rubric, or path of a TOML file.")
@click.option("--engine", help="Engine that judges. [default: embedded]")
@click.option("--model", help="Judge model, in the engine's own terms.")
@click.option("--base-url", multiple=True, help="Server, for --engine http; repeatable.")
@click.option("--tokenizer", help="Folder or tokenizer.json of a served judge, or auto.")
@click.option("--recorded", type=click.Path(), help="Recorded outputs, for --engine replay.")
@click.option(
    "--engine-arg", "engine_args", type=Pair(), multiple=True, help="Option of the engine."
)
@click.option("--orders", type=click.Choice(["both", "one"]), help="Answer orders.")
@click.option("--items", type=int, help="Questions of one run. [default: the workload's own]")
@click.option("--scale", type=float, help="Share of the workload's lengths, for small machines.")
@click.option("--max-tokens", type=int, help="Longest answer of the judge; 1 asks for a label.")
@click.option("--repeats", type=int, help="Runs that count. [default: 3; 1 with --vs]")
@click.option("--no-warm-up", is_flag=True, help="Count the first run too.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the texts.")
@click.option("--force-lengths", is_flag=True, help="Every text at its longest (vLLM).")
@click.option("--vs", type=click.Choice(["raw-vllm"]), help="What is measured beside it.")
@click.option("--blocks", type=int, default=6, show_default=True, help="Of --vs, in turns.")
@click.option("--block-seconds", type=float, default=20.0, show_default=True, help="Of each.")
@click.option("--sweep", multiple=True, help="NAME=V1,V2,… of the engine; repeatable.")
@click.option("--gpu", help="GPU and number, as H200:2. [default: those of this machine]")
@click.option("--price", type=float, help="US$ for an hour of one GPU.")
@click.option("--provider", help="Whose price counts, where none is given.")
@click.option("--plot", type=click.Path(path_type=Path), help="Throughput over time: .svg or .png.")
@click.option("--record", type=click.Path(path_type=Path), help="Write the record there, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON.")
def run(workload: str, **given: Any) -> int:  # noqa: ANN401 - flags
    """Run WORKLOAD on an engine and say what it took.

    Example: judgefast bench one-token --engine vllm --model MODEL --vs raw-vllm --record now.json

    Exit status: 0 measured, 2 nothing measured, 130 interrupted.
    """
    from judgefast.benchmarks.asked import measure  # noqa: PLC0415 - heavy
    from judgefast.benchmarks.records import to_json, write_record  # noqa: PLC0415 - as above
    from judgefast.benchmarks.text import render  # noqa: PLC0415 - as above
    from judgefast.stopping import Stop  # noqa: PLC0415 - with the pipeline

    plot, path, as_json = given.pop("plot"), given.pop("record"), given.pop("as_json")
    given["engine_args"] = {name: engine_value(value) for name, value in given["engine_args"]}
    if plot is not None:
        from judgefast.benchmarks.plot import check_plot  # noqa: PLC0415 - where it is asked for

        check_plot(plot)
    for wanted in (path, plot):
        _check_folder(wanted)
    with Stop().on_signals() as stop:
        record = measure(workload, given, stop=stop, say=say)
    put((to_json(record).decode() if as_json else render(record)).rstrip("\n"))
    if path is not None:
        write_record(record, path)
        say(f"record: {path}")
    if plot is not None:
        from judgefast.benchmarks.plot import write_plot  # noqa: PLC0415 - as above

        write_plot(record, plot)
        say(f"plot: {plot}")
    return 0


def _check_folder(path: Path | None) -> None:
    """Refuse a file that could not be written, before anything is measured."""
    if path is not None and not path.parent.is_dir():
        message = f"`{path}` cannot be written: there is no folder `{path.parent}`"
        raise ConfigError(message, hint="make it, or name another")


@bench.command()
@click.argument("a", type=click.Path(path_type=Path))
@click.argument("b", type=click.Path(path_type=Path))
@click.option(
    "--across",
    type=click.Choice(["workload", "machine", "engine", "model"]),
    multiple=True,
    help="Compare records that differ in this; repeatable.",
)
@click.option("--gate", is_flag=True, help="Exit with 1 where B is slower, 3 where none can tell.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
def compare(a: Path, b: Path, *, across: tuple[str, ...], gate: bool, as_json: bool) -> int:
    """Say whether record B is faster than record A, slower, or whether that can't be told.

    Either is a file, or a folder of records of the same, made in turns with those of the other.

    Example: judgefast bench compare before.json after.json
    """
    from judgefast.benchmarks import compare as comparing  # noqa: PLC0415 - heavy
    from judgefast.benchmarks.compare_text import render  # noqa: PLC0415 - as above
    from judgefast.benchmarks.records import read_records  # noqa: PLC0415 - as above

    found = comparing.compare(read_records(a), read_records(b), across=across)
    if as_json:
        import msgspec  # noqa: PLC0415 - only here

        put(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    else:
        put(render(found).rstrip("\n"))
    return {"faster": 0, "slower": 1, "can't tell": 3}[found.verdict] if gate else 0


@bench.command()
@click.option("--forget", is_flag=True, help="Drop them: runs go by the engine's own choice again.")
@click.option("--model", help="Of this judge alone.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def tuned(*, forget: bool, model: str | None, as_json: bool) -> int:
    """List the settings that `--sweep` found best here, which `judgefast run` reads.

    Example: judgefast bench tuned --forget --model Qwen2.5-72B-Instruct
    """
    import msgspec  # noqa: PLC0415 - on first use

    from judgefast.pipeline.tuned import (  # noqa: PLC0415 - on first use
        forget_tuned,
        read_tuned,
        tuned_path,
    )

    if forget:
        many = forget_tuned(model)
        say(f"forgotten: {many} of `{tuned_path()}`")
        return 0
    known = [each for each in read_tuned() if model in {None, each.setting.model}]
    if as_json:
        put(msgspec.json.format(msgspec.json.encode(known), indent=2).decode())
        return 0
    for each in known:
        said = ", ".join(f"{name}={value}" for name, value in each.options.items())
        where = f"{each.setting.engine} {each.setting.version or ''} on {each.setting.machine}"
        put(line(f"{each.setting.model}, {where}: {said} ({each.when[:10]}, {each.workload})"))
    if not known:
        say("nothing is tuned: `judgefast bench WORKLOAD --sweep NAME=V1,V2` does it")
    return 0
