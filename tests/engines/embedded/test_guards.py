"""Every guard refuses what it is there for, in words, and lets the rest through."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgefast.engines.embedded.grammars import check_regex, choice_regex, literal
from judgefast.engines.embedded.guards import Limits, Refusal, blocks_needed, refuse
from judgefast.engines.embedded.schemas import check_schema
from judgefast.prompts.decoding import Decoding, Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.batches.request import Request

LIMITS = Limits(vocabulary=1000, context_tokens=200, kv_blocks=5)
A, B = Label("A", 10), Label("B", 11)
READ = Decoding(max_tokens=1, labels=(A, B), probabilities=True)


def decoding(**changes: Any) -> Decoding:
    return msgspec.structs.replace(Decoding(max_tokens=4), **changes)


@pytest.mark.parametrize("ids", [[0], [999], [5] * 100])
def test_a_good_request_passes(ids: list[int], ask: Callable[..., Request]) -> None:
    assert refuse(ask(ids), LIMITS) is None
    assert refuse(ask(ids, READ), LIMITS) is None


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([], "its prompt is empty"),
        ([5, 1000], "its prompt holds token 1000; tokens run from 0 to 999"),
        ([-1, 5], "its prompt holds token -1; tokens run from 0 to 999"),
    ],
)
def test_a_prompt_that_the_engine_would_misread(
    ids: list[int], words: str, ask: Callable[..., Request]
) -> None:
    assert refuse(ask(ids), LIMITS) == Refusal("engine_error", words)


@pytest.mark.parametrize("ids", [np.array([[1, 2]]), np.array([1.5]), [1, 2]])
def test_ids_of_another_shape_or_kind(ids: Any, ask: Callable[..., Request]) -> None:
    request = ask([1])
    prompt = msgspec.structs.replace(request.prompt, token_ids=ids)
    refused = refuse(msgspec.structs.replace(request, prompt=prompt), LIMITS)
    assert refused == Refusal("engine_error", "its token ids are no list of integers")


def test_a_request_without_ids(ask: Callable[..., Request]) -> None:
    refused = refuse(msgspec.structs.replace(ask([1]), prompt=None), LIMITS)
    assert refused is not None
    assert refused.words.startswith("it has no token ids")


def test_ids_beyond_32_bits_are_seen(ask: Callable[..., Request]) -> None:
    request = ask([1])
    prompt = msgspec.structs.replace(request.prompt, token_ids=np.array([2**32 + 49]))
    refused = refuse(msgspec.structs.replace(request, prompt=prompt), LIMITS)
    assert refused is not None
    assert "token 4294967345" in refused.words


@pytest.mark.parametrize(
    ("ids", "new", "words"),
    [
        (190, 11, "its prompt of 190 tokens and 11 new ones exceed the model's context of 200"),
        (150, 11, "it may need 6 blocks of the KV cache, which has 5; raise cache_gb"),
    ],
)
def test_what_does_not_fit_is_too_long(
    ids: int, new: int, words: str, ask: Callable[..., Request]
) -> None:
    request = ask([1] * ids, decoding(max_tokens=new))
    assert refuse(request, LIMITS) == Refusal("too_long", words)


def test_what_just_fits_is_sent(ask: Callable[..., Request]) -> None:
    roomy = msgspec.structs.replace(LIMITS, kv_blocks=100)
    assert refuse(ask([1] * 190, decoding(max_tokens=10)), roomy) is None
    assert refuse(ask([1] * 150, decoding(max_tokens=10)), LIMITS) is None


def test_blocks_are_counted_for_prompt_and_answer() -> None:
    assert blocks_needed(32, decoding(max_tokens=32)) == 2
    assert blocks_needed(33, decoding(max_tokens=32)) == 3
    assert blocks_needed(31, READ) == 2, "one more label, one more started block"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"max_tokens": 0}, "max_tokens is 0; a whole number of at least 1 is needed"),
        ({"max_tokens": True}, "max_tokens is True"),
        ({"max_tokens": 1.5}, "max_tokens is 1.5"),
        ({"temperature": math.nan}, "temperature nan is not between 0 and 100"),
        ({"temperature": math.inf}, "temperature inf is not"),
        ({"temperature": -1.0}, "temperature -1.0 is not"),
        ({"top_p": 0.0}, "top_p 0.0 is not above 0 and up to 1"),
        ({"top_p": math.nan}, "top_p nan is not"),
        ({"stop": ("",)}, "stop text '' has 0 characters"),
        ({"stop": ("\ud800",)}, "has a NUL character or a lone surrogate"),
        ({"stop": ("a\0",)}, r"stop text 'a\\x00' has a NUL"),
        ({"stop": ("x" * 257,)}, "has 257 characters; 1 to 256"),
        ({"stop": tuple("abcdefghijklmnopq")}, "there are 17 stop texts; 16 are taken"),
        ({"probabilities": True}, "it asks for label probabilities without labels"),
        ({"labels": (A, A)}, "it has the same label twice"),
        ({"labels": (Label(""),)}, "label '' makes an empty regex"),
        ({"labels": (Label("A\0B"),)}, "with a NUL character"),
        ({"labels": (Label("\ud800"),)}, "with a lone surrogate"),
        ({"labels": (Label("A"),), "probabilities": True}, "label 'A' is not one token"),
        ({"labels": (Label("A", 1000),), "probabilities": True}, "label 'A' is not one token"),
        ({"labels": (A,), "schema": "{}"}, "it asks for a JSON schema and for labels"),
        ({"schema": "[]"}, "it has a JSON schema that is no object"),
    ],
)
def test_a_setting_that_the_engine_would_take_amiss(
    changes: dict[str, Any], words: str, ask: Callable[..., Request]
) -> None:
    refused = refuse(ask([1], decoding(**changes)), LIMITS)
    assert refused is not None
    assert refused.kind == "engine_error"
    assert re.search(words.replace("(", r"\("), refused.words)


@pytest.mark.parametrize("seed", [-1, 2**63])
def test_a_seed_beyond_63_bits(seed: int, ask: Callable[..., Request]) -> None:
    refused = refuse(ask([1], seed=seed), LIMITS)
    assert refused == Refusal("engine_error", f"seed {seed} is not within 63 bits")


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "A\0B",
        "(?=A)A",
        "(?!A)B",
        "(?<=A)B",
        "(?i)a",
        "(?P<n>a)",
        r"(A)\1",
        r"\bA\b",
        r"\p{L}+",
        r"\\\bA",
        "[z-a]",
        "[[:alpha:]]",
        "[a&&b]",
        "a{5,2}",
        "(A",
        "A" * 70_000,
        "\ud800",
    ],
)
def test_a_regex_that_breaks_the_engine(pattern: str) -> None:
    assert check_regex(pattern)


@pytest.mark.parametrize(
    "pattern", ["^A$", "(?:A|B)", "A+?B", "[(?=]", r"\\b", r"[^\]]+", r"\(\?=", "a{2,5}", "🙂"]
)
def test_a_plain_regex_passes(pattern: str) -> None:
    assert check_regex(pattern) is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4, unique=True))
def test_a_choice_matches_its_labels_and_nothing_else(texts: list[str]) -> None:
    pattern = choice_regex(texts)
    for text in texts:
        assert re.fullmatch(literal(text), text)
        assert re.fullmatch(pattern, text)
        assert not re.fullmatch(literal(text), text + "x")


def chain(links: int) -> str:
    defs = {f"x{n}": {"$ref": f"#/$defs/x{n + 1}"} for n in range(links)}
    return json.dumps({"$ref": "#/$defs/x0", "$defs": {**defs, f"x{links}": {}}})


def nested(levels: int, kind: str = "array") -> str:
    node: dict[str, Any] = {"type": "integer"}
    for _ in range(levels):
        node = (
            {"type": "array", "items": node}
            if kind == "array"
            else {"type": "object", "properties": {"a": {"anyOf": [node]}}}
        )
    return json.dumps(node)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ("", "that is no JSON"),
        ("false", "that is no object"),
        ('{"minimum": NaN}', "`NaN` is no JSON number"),
        ("{}" + " " * 70_000, "of more than 65,536 bytes"),
        (nested(40), "nested deeper than 32 levels"),
        (nested(60, "object"), "nested deeper than 32 levels"),
        ('{"items":' * 5_000 + "{}" + "}" * 5_000, "nested deeper than 32 levels"),
        ('{"items":' * 100_000 + "{}" + "}" * 100_000, "of more than 65,536 bytes"),
        (chain(1500), "nested deeper than 32 levels"),
        ('{"type":"objekt"}', r"the unknown type \['objekt'\] at #"),
        ('{"type":{"a":1}}', "the unknown type"),
        ('{"enum":[]}', "an `enum` without values at #"),
        ('{"properties":{"a":{"enum":{}}}}', "without values at #/properties/a"),
        ('{"properties":[]}', "`properties` that is no object"),
        ('{"type":"integer","minimum":5,"maximum":1}', "`minimum` 5 above `maximum` 1 at #"),
        ('{"minimum":"1"}', "`minimum` that is no number"),
        ('{"maximum":1e40}', "no number within 53 bits"),
        ('{"type":"string","maxLength":9}', "`maxLength`, which takes seconds"),
        ('{"$ref":"#/$defs/x"}', "`\\$ref` to `#/\\$defs/x`, which is not there"),
        ('{"$ref":"http://x"}', "something outside it"),
        ('{"properties":{"a":{"$ref":"#"}}}', "a cycle of `\\$ref` through `#`"),
        ('{"$ref":"#/$defs/x","$defs":{"x":{"$ref":"#/$defs/x"}}}', "a cycle"),
        (
            (
                '{"$ref":"#/$defs/x","$defs":{"x":{"items":{"$ref":"#/$defs/y"}},'
                '"y":{"items":{"$ref":"#/$defs/x"}}}}'
            ),
            "a cycle",
        ),
        ('{"properties":{"a":false}}', "false at #/properties/a, which nothing satisfies"),
        ('{"allOf":[{},{}]}', "`allOf` of several parts"),
        ('{"anyOf":[]}', "`anyOf` without parts"),
        ('{"not":{}}', "`not`, which the engine ignores"),
        ('{"pattern":"^(a"}', "a pattern at # that is a regex that does not compile"),
        ('{"patternProperties":{"(?=a)":{}}}', "a pattern at #"),
    ],
)
def test_a_schema_that_breaks_the_engine(schema: str, words: str) -> None:
    assert re.search(words, check_schema(schema) or "passed")


@pytest.mark.parametrize(
    "schema",
    [
        (
            '{"type":"object","properties":{"score":{"type":"integer","minimum":1,"maximum":5},'
            '"reason":{"type":"string"}},"required":["score"],"additionalProperties":false}'
        ),
        '{"type":["string","null"],"pattern":"^[AB]$"}',
        '{"$ref":"#/$defs/x","$defs":{"x":{"enum":["A","B"]}}}',
        '{"properties":{"a":{"$ref":"#/$defs/x"},"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{}}}',
        '{"enum":["[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["]}',
        nested(31),
    ],
)
def test_a_plain_schema_passes(schema: str) -> None:
    assert check_schema(schema) is None
