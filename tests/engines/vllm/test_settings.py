"""What is chosen for a machine, a model and data, held to figures that others have published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from judgefast.catalogue.shape import Shape, shape_of
from judgefast.engines.base import Workload
from judgefast.engines.vllm import hardware
from judgefast.engines.vllm.hardware import Gpu, parse, visible
from judgefast.engines.vllm.room import Machine, lengths_of
from judgefast.engines.vllm.settings import GIB, Settings, Wishes, choose
from judgefast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).resolve().parents[3] / "benches/results"
H100 = "0, GPU-6f1c3d4a-0001, NVIDIA H100 80GB HBM3, 81559, 4, 9.0\n"
H200 = "0, GPU-2b7e9f10-0001, NVIDIA H200, 143771, 1, 9.0\n"
A10 = "0, GPU-a5d0c2e8-0001, NVIDIA A10, 23028, 0, 8.6\n"
L4 = "0, GPU-17c4b6d2-0001, NVIDIA L4, 23034, 0, 8.9\n"
EIGHT = "".join(f"{n}, GPU-2b7e9f10-000{n}, NVIDIA H200, 143771, 1, 9.0\n" for n in range(8))
OLD_DRIVER = "0, GPU-5, Tesla V100-SXM2-32GB, 32510, [N/A], [N/A]\nNo devices were found\n"

TEXTS = Workload(
    requests=10_000, longest_prompt_tokens=3_000, mean_prompt_tokens=2_500.0, max_tokens=500
)
LABELS = Workload(
    requests=10_000,
    longest_prompt_tokens=3_000,
    mean_prompt_tokens=2_500.0,
    max_tokens=1,
    labels_only=True,
)


def gpus(said: str) -> list[Gpu]:
    return [gpu for _, gpu in parse(said)]


def settings(said: str, shape: Shape, workload: Workload | None = TEXTS, **given: Any) -> Settings:
    replicas, devices = given.pop("replicas", None), given.pop("devices", ())
    return choose(gpus(said), shape, workload, Wishes(given, replicas, devices))


def test_the_driver_is_read_and_cuda_visible_devices_is_heeded() -> None:
    [h100] = gpus(H100)
    assert (h100.product, h100.capability, h100.takes_fp8) == (
        "NVIDIA H100 80GB HBM3",
        (9, 0),
        True,
    )
    assert h100.total_bytes == 81_559 << 20
    [a10], [l4], [old] = gpus(A10), gpus(L4), gpus(OLD_DRIVER)
    assert [a10.takes_fp8, l4.takes_fp8, l4.takes_fp8_cache] == [False, True, False]
    assert (old.capability, old.takes_fp8, old.used_bytes) == (None, False, 0)
    listed = parse(EIGHT)
    assert [gpu.name for gpu in visible(listed, None)] == list("01234567")
    assert [gpu.name for gpu in visible(listed, "5, GPU-2b7e9f10-0002,-1,3")] == [
        "5",
        "GPU-2b7e9f10-0002",
    ]
    assert visible(listed, "") == visible(listed, "MIG-1,2") == []


def test_without_a_driver_there_are_no_gpus(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hardware, "is_cpu_build", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert hardware.find_gpus() == []
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
    smi.chmod(0o755)
    assert hardware.find_gpus() == []
    smi.write_text(f"#!/bin/sh\nprintf '%s' '{EIGHT}'\n")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert [gpu.name for gpu in hardware.find_gpus()] == ["7"]
    monkeypatch.setattr(hardware, "is_cpu_build", lambda: True)
    assert hardware.find_gpus() == []


def test_weights_are_rounded_only_where_the_gpu_can_and_it_must_be(
    model: Callable[[str], Shape],
) -> None:
    large, middle, small = map(model, ("Qwen2.5-72B-Instruct", "Qwen2.5-32B-Instruct", "Qwen3-8B"))
    rounded = {
        (name, key): settings(said, shape, workload).arguments.get("quantization")
        for name, said in (("H200", H200), ("H100", H100), ("A10", A10))
        for key, shape, workload in (
            ("72B", large, TEXTS),
            ("32B", middle, TEXTS),
            ("32B labels", middle, LABELS),
            ("8B", small, TEXTS),
        )
        if not (name == "A10" and key != "8B") and not (name == "H100" and key == "72B")
    }
    assert rounded == {
        ("H200", "72B"): "fp8",
        ("H200", "32B"): None,
        ("H200", "32B labels"): None,
        ("H200", "8B"): None,
        ("H100", "32B"): "fp8",  # as it is, 12 sequences fit beside it
        ("H100", "32B labels"): None,  # which is enough where nothing is generated
        ("H100", "8B"): None,
        ("A10", "8B"): None,
    }
    assert settings(L4, small).arguments["quantization"] == "fp8"
    gpt = settings(H100, model("gpt-oss-120b"))
    assert "quantization" not in gpt.arguments, "it has one of its own"
    assert "kv_cache_dtype" not in gpt.arguments


def test_the_cache_is_rounded_only_where_too_few_sequences_fit(
    model: Callable[[str], Shape],
) -> None:
    large = model("Qwen2.5-72B-Instruct")
    assert "kv_cache_dtype" not in settings(H200, large).arguments
    long = Workload(
        requests=10_000, longest_prompt_tokens=6_000, mean_prompt_tokens=5_000.0, max_tokens=500
    )
    assert settings(H200, large, long).arguments["kv_cache_dtype"] == "fp8"
    labels = Workload(
        requests=10_000, longest_prompt_tokens=6_000, mean_prompt_tokens=5_000.0, max_tokens=1
    )
    assert "kv_cache_dtype" not in settings(H200, large, labels).arguments
    longer = Workload(
        requests=10_000, longest_prompt_tokens=20_000, mean_prompt_tokens=9_000.0, max_tokens=500
    )
    sliding = settings(H100, model("gpt-oss-120b"), longer)
    assert sliding.layout.fit is not None
    assert sliding.layout.fit.sequences < 64
    assert "kv_cache_dtype" not in sliding.arguments, "of layers that slide it is not rounded"
    few = settings(L4, model("Qwen3-8B"), long)
    assert "kv_cache_dtype" not in few.arguments, "Ada reads it by a detour"


@pytest.mark.parametrize("record", ["72b-2400", "7b-2500", "7b-700"])
def test_room_is_what_vllm_found_on_an_h200(shared: Path, record: str) -> None:
    """By the records of the benches: blocks of 16 tokens in an 8-bit cache, at 0.95 of the GPU."""
    path = RESULTS / f"2026-11-26-vllm-{record}.json"
    facts = json.loads(path.read_text("utf-8"))["facts"]
    folder = shared / "h200/configs/Qwen2.5-72B-Instruct"
    config = json.loads((folder / "config.json").read_text("utf-8"))
    shape = shape_of(folder, config | facts["arguments"].get("hf_overrides", {}))
    machine = Machine(gpus(H200), facts["arguments"]["gpu_memory_utilization"], None)
    fit = machine.fit(shape, lengths_of(TEXTS, None), 1, quantized=True, cache_bytes=1)
    assert fit is not None
    found = facts["num_gpu_blocks"] * facts["block_size"] * (shape.cache_bytes or 0) / 2
    assert fit.room == pytest.approx(found, rel=0.02)


def test_lengths_and_batches_follow_the_data(model: Callable[[str], Shape]) -> None:
    small = model("Qwen3-8B")
    chosen = settings(H200, small).arguments
    assert chosen["max_model_len"] == 3_520  # 3,500 in whole steps of 64
    assert chosen["max_num_batched_tokens"] == 16_384
    room = 0.92 * 0.99 * (143_771 << 20) - 3e9 - (small.weight_bytes or 0)
    assert chosen["max_num_seqs"] == room // (147_456 * 2_750) // 8 * 8
    assert settings(H200, small, LABELS).arguments["max_num_seqs"] == 256
    few = Workload(requests=20, longest_prompt_tokens=100, mean_prompt_tokens=90, max_tokens=5)
    assert settings(H200, small, few).arguments["max_num_seqs"] == 24
    assert settings(L4, small).arguments["max_num_batched_tokens"] == 8_192
    thinks = Workload(
        requests=9,
        longest_prompt_tokens=100,
        mean_prompt_tokens=90,
        max_tokens=20,
        thinking_tokens=1_000,
    )
    assert settings(H200, small, thinks).arguments["max_model_len"] == 1_152
    assert small.context == 40_960
    short = msgspec.structs.replace(small, context=3_510)
    assert settings(H200, short).arguments["max_model_len"] == 3_510
    whole = Workload(requests=9, longest_prompt_tokens=40_950, mean_prompt_tokens=9, max_tokens=1)
    assert settings(H200, small, whole).arguments["max_model_len"] == 40_960, "what the model takes"


def test_no_more_room_is_wanted_than_there_are_requests(model: Callable[[str], Shape]) -> None:
    middle = model("Qwen2.5-32B-Instruct")
    ten, twenty = (msgspec.structs.replace(TEXTS, requests=number) for number in (10, 20))
    assert "quantization" not in settings(H100, middle, ten).arguments, "12 fit"
    assert settings(H100, middle, twenty).arguments["quantization"] == "fp8"


def test_a_run_that_goes_on_has_the_precision_that_it_began_with(
    model: Callable[[str], Shape],
) -> None:
    middle = model("Qwen2.5-32B-Instruct")
    begun = settings(H100, middle, msgspec.structs.replace(TEXTS, of_run=10_000)).arguments
    left = msgspec.structs.replace(TEXTS, requests=10, of_run=10_000)
    rest = settings(H100, middle, left).arguments
    assert begun["quantization"] == rest["quantization"] == "fp8"
    assert rest.get("kv_cache_dtype") == begun.get("kv_cache_dtype")
    assert (begun["max_num_seqs"] > 16, rest["max_num_seqs"]) == (True, 16)


def test_a_cache_of_the_users_size_holds_what_it_holds(model: Callable[[str], Shape]) -> None:
    memory = 10 * 147_456 * 2_750
    chosen = settings(H200, model("Qwen3-8B"), kv_cache_memory_bytes=memory).arguments
    assert "quantization" not in chosen, "smaller weights would leave it no more"
    assert (chosen["kv_cache_dtype"], chosen["max_num_seqs"]) == ("fp8", 16)


def test_on_a_cpu_lengths_alone_are_chosen(model: Callable[[str], Shape]) -> None:
    chosen = settings("", model("Qwen3-8B"))
    assert chosen.arguments == {"max_model_len": 3_520, "max_num_seqs": 256}
    assert chosen.layout[:2] == (1, (None,))
    assert settings("", model("Qwen3-8B"), None).arguments == {"max_num_seqs": 256}
    two = settings("", model("Qwen3-8B"), replicas=2, tensor_parallel_size=2)
    assert two.layout.devices == ("0,1", "2,3")


def test_each_gpu_has_a_copy_and_a_model_that_needs_several_gets_them(
    model: Callable[[str], Shape],
) -> None:
    large = settings(EIGHT, model("Qwen2.5-72B-Instruct"))
    assert large.layout.devices == tuple("01234567")
    assert large.arguments["quantization"] == "fp8"
    ultra = model("Llama-3_1-Nemotron-Ultra-253B-v1")
    # Its blocks differ, so that its files say how large it is.
    weighed = msgspec.structs.replace(
        ultra, weight_bytes=506_800_000_000, outer_bytes=8_400_000_000
    )
    found = settings(EIGHT, weighed)
    assert found.layout.devices == ("0,1,2,3", "4,5,6,7")
    assert (found.arguments["tensor_parallel_size"], found.arguments["quantization"]) == (4, "fp8")
    odd = msgspec.structs.replace(weighed, heads=6)  # two GPUs can share them, and not four
    assert settings(EIGHT, odd).layout.devices == ("0,1", "2,3", "4,5", "6,7")
    named = settings(EIGHT, weighed, tensor_parallel_size=8)
    assert (named.layout.devices, named.arguments.get("quantization")) == ((None,), None)
    one = settings(EIGHT, model("Qwen3-8B"), replicas=3)
    assert one.layout.devices == ("0", "1", "2")


def test_settings_are_chosen_for_the_gpus_that_the_user_has_named(
    model: Callable[[str], Shape],
) -> None:
    large = model("Qwen2.5-72B-Instruct")
    single = settings(EIGHT, large, devices=("3", "5"))
    assert (single.layout.devices, single.arguments["quantization"]) == (("3", "5"), "fp8")
    assert "tensor_parallel_size" not in single.arguments
    pairs = settings(EIGHT, large, devices=("0,1", "2, 3"))
    assert pairs.layout.devices == ("0,1", "2, 3")
    assert pairs.arguments["tensor_parallel_size"] == 2
    assert "quantization" not in pairs.arguments, "two hold it as it is"
    assert pairs.choices[1].words == "replicas=2 (you): set by --engine-arg"
    for strange in (("0", "9"), ("0,1", "2")):
        unknown = settings(EIGHT, large, devices=strange)
        assert (unknown.layout.devices, unknown.layout.fit) == (strange, None)


def test_what_does_not_fit_is_said_with_the_bytes_that_are_missing(
    model: Callable[[str], Shape],
) -> None:
    large = model("Qwen2.5-72B-Instruct")
    with pytest.raises(
        ConfigError, match=r"on 1 x NVIDIA H100 80GB HBM3 it lacks (\d+\.\d) GiB"
    ) as raised:
        settings(H100, large)
    lacks = float(str(raised.value).split("lacks ")[1].split()[0])
    weights = large.quantized_bytes() or 0
    cache = 3_500 * 163_840
    assert lacks == pytest.approx(
        (weights + cache - 0.92 * 0.99 * (81_559 << 20) + 3e9) / GIB, abs=0.1
    )
    assert "tensor_parallel_size" in str(raised.value.hint)
    assert settings(H100, large, tensor_parallel_size=1).layout.replicas == 1, "the user's word"
    with pytest.raises(ConfigError, match="2 x 1 GPUs are asked for, and there are 1"):
        settings(H200, large, replicas=2, tensor_parallel_size=1)


def test_the_users_value_stands_and_is_shown_as_the_users(model: Callable[[str], Shape]) -> None:
    chosen = settings(
        H200, model("Qwen2.5-72B-Instruct"), max_num_seqs=7, kv_cache_dtype="fp8", seed=3
    )
    by_name = {choice.name: choice for choice in chosen.choices}
    assert (by_name["max_num_seqs"].value, by_name["max_num_seqs"].by) == (7, "you")
    assert "judgefast would take" in by_name["max_num_seqs"].why
    assert (by_name["kv_cache_dtype"].value, by_name["kv_cache_dtype"].by) == ("fp8", "you")
    assert by_name["seed"].words == "seed=3 (you): set by --engine-arg"
    assert not {"max_num_seqs", "kv_cache_dtype", "seed"} & chosen.arguments.keys()
    assert len(by_name) == len(chosen.choices), "each once"
    rounded = by_name["quantization"]
    assert rounded.by == "judgefast"
    assert "Verdicts may differ" in rounded.why
    own = settings(H200, model("Qwen3-8B"))
    assert any("quantization=fp8 is faster" in choice.words for choice in own.choices)


def test_of_what_the_rest_hangs_on_it_is_not_said_what_would_be_taken(
    model: Callable[[str], Shape],
) -> None:
    own = {"quantization": "fp8", "kv_cache_dtype": "fp8", "gpu_memory_utilization": 0.5}
    chosen = settings(H200, model("Qwen3-8B"), **own)
    said = {choice.name: choice.words for choice in chosen.choices}
    for name, value in own.items():
        assert said[name] == f"{name}={value} (you): set by --engine-arg"


def test_one_row_that_memory_cannot_hold_need_not_stop_the_others(
    model: Callable[[str], Shape],
) -> None:
    long = msgspec.structs.replace(TEXTS, longest_prompt_tokens=90_000)
    with pytest.raises(ConfigError, match="one sequence of 90,500 tokens") as raised:
        settings(L4, model("Llama-3.1-8B-Instruct"), long)
    assert "max_model_len=N leaves out what is longer" in str(raised.value.hint)
    with pytest.raises(ConfigError) as raised:
        settings(H100, model("Qwen2.5-72B-Instruct"), long)
    assert "max_model_len" not in str(raised.value.hint), "not even the weights fit"


def test_memory_that_others_hold_is_left_to_them(model: Callable[[str], Shape]) -> None:
    busy = H200.replace(", 1, 9.0", ", 71885, 9.0")
    small = model("Qwen3-8B")
    assert settings(busy, small).arguments["gpu_memory_utilization"] == 0.49
    assert "gpu_memory_utilization" not in settings(H200, small).arguments
    mine = settings(busy, small, gpu_memory_utilization=0.3)
    assert "gpu_memory_utilization" not in mine.arguments


def test_answers_behind_thinking_go_before_what_waits(model: Callable[[str], Shape]) -> None:
    shape = model("Qwen3-8B")
    thinks = msgspec.structs.replace(TEXTS, thinking_tokens=2_000)
    assert settings(H200, shape, thinks).arguments["scheduling_policy"] == "priority"
    assert "scheduling_policy" not in settings(H200, shape).arguments
    own = settings(H200, shape, thinks, scheduling_policy="fcfs")
    assert "scheduling_policy" not in own.arguments
    early = choose([], shape, None, Wishes({}, None, (), may_think=True))
    assert early.arguments["scheduling_policy"] == "priority", "nothing is known of the rubric yet"
    plain = choose([], shape, TEXTS, Wishes({}, None, (), may_think=True))
    assert "scheduling_policy" not in plain.arguments
