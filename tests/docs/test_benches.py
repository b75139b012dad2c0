"""Benches are run by hand: what they name of the package must be there meanwhile."""

from __future__ import annotations

import ast
import re
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMED = re.compile(r'"((?:pipeline|journal|verdicts)\.[\w.]+)"')
"""A name that a bench times, without the name of the package."""


def is_there(name: str) -> bool:
    module, _, attribute = name.rpartition(".")
    try:
        owner = import_module(module)
    except ModuleNotFoundError:
        outer, _, kind = module.rpartition(".")
        owner = getattr(import_module(outer), kind, None)
    if hasattr(owner, attribute):
        return True
    try:
        return bool(import_module(name))
    except ModuleNotFoundError:
        return False


def test_what_the_benches_name_of_the_package_is_there() -> None:
    named = set()
    for path in (ROOT / "benches").rglob("*.py"):
        text = path.read_text("utf-8")
        named |= {(path.name, f"judgefast.{name}") for name in TIMED.findall(text)}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("judgefast"):
                named |= {(path.name, f"{node.module}.{alias.name}") for alias in node.names}
    assert len(named) > 100
    assert not [(bench, name) for bench, name in sorted(named) if not is_there(name)]


def test_every_bench_says_its_ratio_to_a_rival() -> None:
    benches = sorted((ROOT / "benches").glob("bench_*.py"))
    assert len(benches) > 15
    silent = [path.name for path in benches if "    say_ratio(" not in path.read_text("utf-8")]
    assert not silent
