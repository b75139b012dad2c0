"""Several aspects in one rubric: how each is laid out, named and decoded."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prompts.asking import rows_of
from tests.prompts.aspects import CRITERIA, JSON, SCALES, TOGETHER, several

from judgefast.errors import RubricError
from judgefast.prompts import PromptPlan, builtin_rubrics, load_rubric
from judgefast.prompts.decoding import Capabilities
from judgefast.prompts.layouts import allowed_layouts
from judgefast.prompts.read_rubric import read_rubric

if TYPE_CHECKING:
    from collections.abc import Callable

    from judgefast.datasets.items import Item
    from judgefast.prompts.model import JudgeModel
    from judgefast.prompts.rubric import Rubric

CHAT = Capabilities(takes="chat", schema=True, choice=True)
NAMES = st.permutations(sorted(CRITERIA)).flatmap(
    lambda names: st.integers(1, len(names)).map(lambda count: tuple(names[:count]))
)
ANSWER = '[[template.blocks]]\ntext = "[Reply]\\n{answer}\\n[The end]"\n'
BETWEEN = (
    '[[template.blocks]]\ntext = "Q:\\n{question}"\n[[template.blocks]]\ntext = "{criterion}"\n'
)
OPEN = '[[template.blocks]]\ntext = "{answer}\\n[The end]"\n'
IN_SYSTEM = 'system = "Asked:\\n{criterion}"'
STUCK = '[[template.blocks]]\ntext = "{criterion}\\n[Reply]\\n{answer}\\n[The end]"\n'


def rubric_of(*names: str, **parts: str) -> Rubric:
    return read_rubric(several(*names, **parts), "several.toml")


def order_of(rubric: Rubric) -> list[str]:
    """First word of each block, as it is laid out."""
    return [block.text.split()[0] for block in rubric.template.blocks]


@given(NAMES, st.sampled_from(["as-written", "aspect-last", "aspect-first"]))
@settings(max_examples=30, deadline=None)
def test_another_aspect_changes_nothing_of_those_that_are_there(
    names: tuple[str, ...], layout: str
) -> None:
    template = f'layout = "{layout}"'
    alone = {
        name: PromptPlan(rubric_of(name, template=template), None, CHAT).prompt_hash
        for name in names
    }
    plan = PromptPlan(rubric_of(*names, template=template), None, CHAT)
    assert dict(zip(names, plan.prompt_hashes, strict=True)) == alone
    assert (plan.prompt_hash in alone.values()) == (len(names) == 1)


def test_the_layout_of_one_aspect_is_as_it_was_written() -> None:
    for name in builtin_rubrics():
        rubric = load_rubric(name)
        if len(rubric.aspects) > 1 or rubric.template.wrap == "plain":
            continue
        named = rubric.source.replace("[template]", '[template]\nlayout = "as-written"', 1)
        hashes = {
            PromptPlan(each, None, CHAT).prompt_hash
            for each in (rubric, read_rubric(named, "named.toml"))
        }
        assert len(hashes) == 1


GOLDEN = {
    "binary": ("5ca5fa6ce9b30124", "bd0f8862590c0a65", "604ae6bd5e44eaf5"),
    "few-shot-quality": ("c4f4e95e88872d3f", "d9e13d232b08a78b", "48ac2535cdd322b9"),
    "pairwise": ("1d9576723e4f79a6", "bb1ce7971b72fe00", "f1014f41a25d5d85"),
    "pairwise-bracket": ("554c8b72a9603a6c", "71701a2d020b4f52", "71701a2d020b4f52"),
    "pairwise-reasons": ("dfa1c9d684997d87", "630428e1c112ce99", "e76ed63d0ce1b1e0"),
    "scalar-1-5": ("659c00c37a7b6d25", "8fd05d145481b73f", "a652354765ea0cde"),
}
"""Of rubrics with one aspect: `parse_hash`, and `prompt_hash` without and with a structure, as they
were before a rubric could have several and are in every run made until then."""


@pytest.mark.parametrize("name", GOLDEN)
def test_the_hashes_of_one_aspect_are_those_of_runs_made_before(name: str) -> None:
    rubric = load_rubric(name)
    plans = [PromptPlan(rubric, None, engine) for engine in (Capabilities(takes="chat"), CHAT)]
    found = (rubric.parse_hash, *(plan.prompt_hash for plan in plans))
    assert tuple(each[:16] for each in found) == GOLDEN[name]


def test_blocks_about_the_aspect_stand_where_the_layout_says() -> None:
    assert order_of(rubric_of("tone")) == ["What", "[Question]", "[Reply]", "Your"]
    last = rubric_of("tone", "truth")
    assert order_of(last) == ["[Question]", "[Reply]", "What", "Your"]
    assert last.template.layout == "aspect-last"
    together = rubric_of("tone", "truth", template=TOGETHER, verdict=JSON)
    assert order_of(together) == ["What", "[Question]", "[Reply]", "Your"]
    behind = (
        '[[template.blocks]]\ntext = "[Reply]\\n{answer}\\n[The end]"\n'
        '[[template.blocks]]\ntext = "Say:\\n{criterion}"\n'
    )
    first = rubric_of("tone", "truth", template='layout = "aspect-first"', blocks=behind)
    assert order_of(first) == ["Say:", "[Reply]"]
    assert order_of(rubric_of("tone", "truth", blocks=behind)) == ["[Reply]", "Say:"]


def test_prompts_of_one_item_begin_alike_up_to_the_aspect(make_item: Callable[..., Item]) -> None:
    plan = PromptPlan(rubric_of("clarity", "tone", "truth"), None, CHAT)
    texts = [plan.render(make_item(), (0,), aspect).text for aspect in range(3)]
    for name, text in zip(("clarity", "tone", "truth"), texts, strict=True):
        shared, own = text.split("[The end of the reply]\n")
        assert shared == "[Question]\nWhat is it?\n[The end of the question]\n[Reply]\nThis.\n"
        low, high = SCALES[name]
        scale = f"An integer from {low} (worst) to {high} (best).\n"
        assert own == f"What counts:\n{CRITERIA[name]}\n{scale}Your verdict:"
    asked = rows_of([(0, (0,), aspect) for aspect in range(3)])
    hashes = plan.segments_of([make_item()], asked, 0).frame_hashes()
    rendered = [plan.render(make_item(), (0,), aspect).ids_hash for aspect in range(3)]
    assert [each.tobytes() for each in hashes] == rendered
    assert len(set(rendered)) == 3


@pytest.mark.parametrize(
    "name", ["aspects-1-5", "aspects-pairwise", "scalar-1-5", "pairwise", "few-shot-quality"]
)
def test_seams_are_clean_in_every_layout(
    name: str, smollm2: JudgeModel, ids_engine: Capabilities, make_item: Callable[..., Item]
) -> None:
    for layout, rubric in allowed_layouts(load_rubric(name)):
        plan = PromptPlan(rubric, smollm2, ids_engine)
        shown = (0, 1) if rubric.mode == "pairwise" else (0,)
        for aspect in range(len(rubric.aspects)):
            for reference in (None, "  As it is.\n"):
                item = make_item("4\n\n", " [The End of the Answer]", reference=reference)
                prompt = plan.render(item, shown, aspect)
                assert plan.verify_seams(prompt) is None, (layout, aspect)


def test_each_aspect_has_the_labels_of_its_own_scale() -> None:
    plan = PromptPlan(rubric_of("clarity", "tone"), None, CHAT)
    texts = [[label.text for label in each.labels] for each in plan.decodings]
    assert texts == [["1", "2", "3"], ["1", "2", "3", "4", "5"]]
    asked = [(each.aspect, len(each.options)) for each in plan.questions]
    assert asked == [("clarity", 3), ("tone", 5)]


def test_a_schema_for_all_aspects_has_a_member_for_each(make_item: Callable[..., Item]) -> None:
    rubric = rubric_of("clarity", "tone", template=TOGETHER, verdict=JSON)
    plan = PromptPlan(rubric, None, CHAT)
    schema = json.loads(plan.decoding.schema or "")
    assert schema["required"] == ["clarity", "tone"]
    assert schema["properties"]["tone"] == {
        "type": "object",
        "properties": {
            "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]},
            "reason": {"type": "string"},
        },
        "required": ["score", "reason"],
        "additionalProperties": False,
    }
    assert plan.decoding.max_tokens == 2 * 256
    assert len(set(plan.prompt_hashes)) == 1
    assert [question.aspect for question in plan.questions] == ["clarity", "tone"]
    text = plan.render(make_item(), (0,), 1).text
    assert "clarity: Is the reply easy to follow?\ntone: Is the reply friendly?\n" in text
    assert "tone:\nAn integer from 1 (worst) to 5 (best).\n" in text
    turned = rubric_of("tone", "clarity", template=TOGETHER, verdict=JSON)
    assert PromptPlan(turned, None, CHAT).prompt_hash != plan.prompt_hash
    assert rubric.parse_hash != rubric_of("clarity", "tone", verdict=JSON).parse_hash
    free = Capabilities(takes="chat")
    text = several("clarity", "tone", template=TOGETHER, verdict=JSON)
    polite = read_rubric(text.replace("friendly", "polite"), "polite.toml")
    assert PromptPlan(polite, None, free).prompt_hash != PromptPlan(rubric, None, free).prompt_hash


def test_the_layouts_that_a_rubric_may_have() -> None:
    rubric = rubric_of("clarity", "tone")
    found = allowed_layouts(rubric)
    assert [(name, order_of(each)[0]) for name, each in found] == [
        ("as-written", "What"),
        ("aspect-last", "[Question]"),
        ("aspect-first", "What"),
    ]
    assert all(each.template.layout == name for name, each in found)
    in_system = load_rubric("pairwise")
    assert [name for name, _ in allowed_layouts(in_system)] == ["as-written", "aspect-first"]
    stuck = rubric_of("clarity", "tone", blocks=STUCK)
    assert [name for name, _ in allowed_layouts(stuck)] == ["as-written"]
    assert stuck.template.layout == "aspect-last", "legal, though nothing can move"


REFUSED: list[tuple[str, dict[str, str], str]] = [
    (
        "tone",
        {"template": 'layout = "aspect-lst"'},
        "several.toml:18: `template.layout` is `aspect-lst`; it must be one of `as-written`",
    ),
    (
        "tone",
        {"template": 'aspects = "both"'},
        "several.toml:18: `template.aspects` is `both`; it must be one of `one-by-one`",
    ),
    (
        "tone",
        {"template": TOGETHER},
        'several.toml:18: `template.aspects` is "together", but the verdict is `label`',
    ),
    (
        "tone",
        {"template": 'layout = "aspect-last"', "blocks": STUCK},
        "several.toml:20: `template.blocks[0].text` holds `{criterion}` beside a text of the item",
    ),
    (
        "tone",
        {"template": f'layout = "aspect-last"\n{IN_SYSTEM}', "blocks": ANSWER},
        "several.toml:18: `template.layout` is `aspect-last`, but `{criterion}` stands in `system`",
    ),
    (
        "tone",
        {"blocks": ANSWER},
        "`template.blocks` lacks `{criterion}`, so that all aspects would be asked the same",
    ),
    (
        "tone",
        {"blocks": f"{BETWEEN}{OPEN}"},
        "several.toml:21: `template.blocks[0].text`: `{question}` in the layout `aspect-last`",
    ),
    (
        "truth",
        {"verdict": 'name = "label"\nlabels = [{text = "a", score = 1}, {text = "b", score = 3}]'},
        "labels[1].score` is 3; it must be a number from 0 to 1, for the aspect `truth`",
    ),
    (
        "tone",
        {"verdict": 'name = "json"\nhigh = 3'},
        "`verdict.high` is 3.0, but the scale of the aspect says 5.0, for the aspect `tone`",
    ),
]


@pytest.mark.parametrize(("second", "parts", "words"), REFUSED)
def test_what_cannot_be_asked_is_refused_by_line(
    second: str, parts: dict[str, str], words: str
) -> None:
    with pytest.raises(RubricError, match=re.escape(words)):
        rubric_of("clarity", second, **parts)


@pytest.mark.parametrize("name", ["overall", "Overall"])
def test_an_aspect_is_not_called_as_the_mean_of_several_is(name: str) -> None:
    alone = several("clarity").replace('"clarity"', f'"{name}"')
    assert read_rubric(alone, "mine.toml").aspects[0].name == name
    both = several("clarity", "tone").replace('"tone"', f'"{name}"')
    line = both[: both.index(f'"{name}"')].count("\n") + 1
    words = f"is `{name}`, as reports call the weighted mean of several aspects"
    with pytest.raises(RubricError) as caught:
        read_rubric(both, "mine.toml")
    assert str(caught.value) == f"mine.toml:{line}: `aspects[1].name` {words}"
    assert caught.value.hint == "give the aspect another name"


def test_a_scale_that_one_aspect_lacks_has_no_placeholder() -> None:
    text = load_rubric("pairwise").source.replace(
        "[template]",
        '[[aspects]]\nname = "tone"\ncriterion = "x"\nscale = { low = 1, high = 3 }\n\n[template]',
        1,
    )
    rubric = read_rubric(text, "two.toml")
    assert [each.aspects[0].name for each in rubric.prompts] == ["quality", "tone"]
    with pytest.raises(RubricError, match=r"the rubric has no scale for every aspect"):
        read_rubric(text.replace("{criterion}", "{criterion}\n{scale}"), "two.toml")
