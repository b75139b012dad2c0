"""Redoes printed sums: numbers, `+ - x /` and brackets are typed in, units and words are not."""

from __future__ import annotations

import ast
import operator
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?|[()]|(?<= )[-+/x](?= )")
_DO = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def redone(arithmetic: str) -> Iterator[tuple[float, float]]:
    """Of each sum what it comes to, and what is printed behind its `=`."""
    for part in arithmetic.split("; "):
        left, equals, right = part.rpartition(" = ")
        typed = "".join(NUMBER.findall(left)).replace(",", "").replace("x", "*")
        if equals and typed:
            (shown, *_) = NUMBER.findall(right)
            yield calculate(typed), float(shown.replace(",", ""))


def calculate(typed: str) -> float:
    return _value(ast.parse(typed, mode="eval").body)


def _value(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return _DO[type(node.op)](_value(node.left), _value(node.right))
    assert isinstance(node, ast.Constant), ast.dump(node)
    return float(node.value)
