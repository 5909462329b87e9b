"""One task after the other gives the gradients of all tasks together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from mmengine.optim import AmpOptimWrapper, OptimWrapper
from torch import Tensor, nn

from mtlplugins.engine.speed import Bf16OptimWrapper, CompileHook
from mtlplugins.models import MultiTaskDistributedDataParallel, MultiTaskModel
from mtlplugins.models.conditioning import conditional_modules
from tests.faults._ranks import MODEL_CONFIGS
from tests.models._models import PLANS, make_model, make_sample, model_config, perturb

MIXED = [("semantic", "depth", "scene"), ("depth",), ("scene", "depth"), ("semantic", "scene")]
#: Conditioned from the first block on, after a shared stage, not at all, with a frozen encoder.
SWINS = {
    "Swin, all": model_config(PLANS["all three"], global_embedding=True),
    "Swin, last blocks": model_config(PLANS["last blocks"]),
    "Swin, no plan": model_config(),
    "Swin, frozen": model_config(dict(attention=(0, 0, 1, 1), frozen=True)),
}
NETWORKS = SWINS | {
    "ViT and neck": MODEL_CONFIGS["ViT"],
    "ResNet, frozen norms": MODEL_CONFIGS["ResNet"],
}


class Scaled(AmpOptimWrapper):
    """Loss scaling without autocast, on the CPU too."""

    def __init__(self, **settings: Any) -> None:
        OptimWrapper.__init__(self, **settings)
        self._scale_update_param = None
        self.loss_scaler = torch.amp.GradScaler("cpu", init_scale=2.0**9)

    optim_context = OptimWrapper.optim_context


def make(config: dict, step: str, **settings: Any) -> MultiTaskModel:
    torch.manual_seed(0)
    model = MultiTaskModel(
        **config | dict(task_weights=dict(depth=3.0), step=dict(type=step)) | settings
    )
    model.init_weights()
    perturb(p for m in conditional_modules(model) for p in m.parameters())
    perturb(model.heads.parameters())
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return model.double()


def batch(tasks: list[tuple[str, ...]], number: int = 0) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(number)
    inputs = torch.randn(len(tasks), 3, 32, 32, generator=generator, dtype=torch.float64)
    samples = [make_sample(*t, seed=10 * number + i) for i, t in enumerate(tasks)]
    return dict(inputs=inputs, data_samples=samples)


def gradients(
    model: MultiTaskModel,
    batches: list[list[tuple[str, ...]]],
    *,
    wrap: Callable[[nn.Module], nn.Module] = lambda model: model,
    wrapper: type[OptimWrapper] = OptimWrapper,
    **settings: Any,
) -> tuple[dict[str, Tensor | None], list[dict[str, float]]]:
    """The gradients at the only update, which changes nothing, and what was logged before."""
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.0)
    optim_wrapper = wrapper(
        optimizer=optimizer, accumulative_counts=len(batches), clip_grad=dict(max_norm=1e9)
    )
    optim_wrapper.initialize_count_status(model, 0, len(batches))
    optim_wrapper.zero_grad = lambda: None
    network = wrap(model)
    logged = [
        network.train_step(batch(tasks, number), optim_wrapper)
        for number, tasks in enumerate(batches)
    ]
    return (
        {name: p.grad for name, p in model.named_parameters()},
        [{name: float(value) for name, value in entry.items()} for entry in logged],
    )


def check_same(config: dict, batches: list, *, rtol: float = 1e-10, **settings: Any) -> None:
    wanted, wanted_log = gradients(make(config, "AllTasks"), batches, **settings)
    found, log = gradients(make(config, "TaskByTask"), batches, **settings)
    assert [entry.keys() for entry in log] == [entry.keys() for entry in wanted_log]
    for entry, expected in zip(log, wanted_log, strict=True):
        assert entry == pytest.approx(expected, rel=rtol)
    scale = max(g.abs().max() for g in wanted.values() if g is not None)
    assert scale > 0 or not any(entry["loss"] for entry in log)
    for name, gradient in wanted.items():
        assert (gradient is None) == (found[name] is None), name
        if gradient is not None:
            torch.testing.assert_close(
                found[name], gradient, rtol=rtol, atol=rtol * float(scale), msg=name
            )


@pytest.mark.parametrize("network", NETWORKS)
def test_gradients_and_log_of_a_partly_labelled_batch(network: str) -> None:
    check_same(NETWORKS[network], [MIXED])


@pytest.mark.parametrize("network", ["Swin, all", "Swin, last blocks", "Swin, no plan"])
def test_a_task_that_is_not_there_has_gradients_of_zero(network: str) -> None:
    check_same(NETWORKS[network], [[("depth",), ("scene", "depth")]])


def test_accumulation_of_two_batches() -> None:
    check_same(SWINS["Swin, last blocks"], [MIXED, [("depth",)]])


def test_loss_scaling() -> None:
    # the shared depth's reciprocal is float32; powers of two leave all else as it is
    check_same(SWINS["Swin, last blocks"], [MIXED, MIXED], wrapper=Scaled, rtol=1e-7)


def test_recomputed_activations() -> None:
    config = SWINS["Swin, last blocks"]
    recomputed = config | dict(backbone=config["backbone"] | dict(with_cp=True))
    check_same(recomputed, [MIXED])


def test_frozen_tasks() -> None:
    config = SWINS["Swin, last blocks"] | dict(frozen_tasks=("semantic",))
    check_same(config, [MIXED])
    check_same(config, [[("semantic",), ("semantic",)]])


def test_bf16_is_as_near_to_float32_as_all_tasks_together() -> None:
    config = SWINS["Swin, last blocks"]

    def of(step: str, wrapper: type[OptimWrapper]) -> Tensor:
        model = make(config, step).float()
        data = batch(MIXED)
        data["inputs"] = data["inputs"].float()
        optim_wrapper = wrapper(torch.optim.SGD(model.parameters(), lr=0.0))
        optim_wrapper.zero_grad = lambda: None
        model.train_step(data, optim_wrapper)
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    exact = of("AllTasks", OptimWrapper)
    together = (of("AllTasks", Bf16OptimWrapper) - exact).norm() / exact.norm()
    apart = (of("TaskByTask", Bf16OptimWrapper) - exact).norm() / exact.norm()
    assert 1e-4 < together < 0.05
    assert 1e-4 < apart < 1.3 * together


@pytest.fixture
def one_process(tmp_path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/init", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.usefixtures("one_process")
@pytest.mark.parametrize("network", ["Swin, last blocks", "Swin, frozen"])
def test_ddp_reduces_once(network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reduced: list[int] = []

    def wrap(model: MultiTaskModel) -> nn.Module:
        wrapped = MultiTaskDistributedDataParallel(model, bucket_cap_mb=1000)
        trained = sum(p.numel() for p in model.parameters() if p.requires_grad)

        def reduce(_, bucket):
            reduced.append(bucket.buffer().numel())
            future = torch.futures.Future()
            future.set_result(bucket.buffer())
            return future

        wrapped.register_comm_hook(None, reduce)
        reduced.append(-trained)
        return wrapped

    # two batches are accumulated: the first is not reduced at all
    batches = [MIXED, [("scene",), ("scene",)]]
    wanted, _ = gradients(make(NETWORKS[network], "AllTasks"), batches)
    found, _ = gradients(make(NETWORKS[network], "TaskByTask"), batches, wrap=wrap)
    assert sum(reduced) == 0
    assert len(reduced) >= 2
    for name, gradient in wanted.items():
        if gradient is not None:
            torch.testing.assert_close(found[name], gradient, rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_a_compiled_encoder() -> None:
    config = SWINS["Swin, last blocks"]
    model = make(config, "TaskByTask")
    wanted, _ = gradients(make(config, "AllTasks"), [MIXED])
    runner = type("Runner", (), dict(model=model))
    CompileHook(backend="eager").before_run(runner)
    found, _ = gradients(model, [MIXED])
    for name, gradient in wanted.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-9, atol=1e-12)


def test_activations_of_one_task_at_a_time() -> None:
    """Each decoder's backward pass comes before the next one's forward pass."""
    model = make(SWINS["Swin, last blocks"], "TaskByTask")
    events: list[str] = []
    for task in ("semantic", "depth"):
        model.decoders[task].register_forward_hook(lambda *_, t=task: events.append(f"+{t}"))
        model.decoders[task].register_full_backward_hook(lambda *_, t=task: events.append(f"-{t}"))
    stage = model.backbone.stages[0].blocks[0]
    stage.register_forward_hook(lambda *_: events.append("+shared"))
    stage.register_full_backward_hook(lambda *_: events.append("-shared"))
    gradients(model, [MIXED])
    assert events == ["+shared", "+semantic", "-semantic", "+depth", "-depth", "-shared"]


@pytest.mark.parametrize("fault", ["wrapper", "norms"])
def test_what_cannot_be_trained_task_by_task(fault: str, monkeypatch) -> None:
    model = make(MODEL_CONFIGS["ResNet"], "TaskByTask")
    optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.1))
    if fault == "wrapper":
        kind = type("OwnWrapper", (OptimWrapper,), dict(backward=lambda self, loss: None))
        optim_wrapper = kind(torch.optim.SGD(model.parameters(), lr=0.1))
        message = "OwnWrapper has a backward pass of its own; take OptimWrapper"
    else:
        model.backbone = nn.SyncBatchNorm.convert_sync_batchnorm(model.backbone).train()
        monkeypatch.setattr("mtlplugins.models.steps.task_by_task.is_distributed", lambda: True)
        message = r"synchronised batch norms would wait.*sync_bn=None"
    with pytest.raises(ValueError, match=message):
        model.train_step(batch(MIXED), optim_wrapper)


def test_all_tasks_stay_the_default() -> None:
    assert type(make_model().step).__name__ == "AllTasks"


def test_it_keeps_the_activations_of_one_task() -> None:
    """Bytes that the graph keeps for backward passes, at most at a time, of three equal tasks."""

    def most(step: str) -> int:
        names = ("one", "two", "three")
        head = dict(type="SegmentationHead", in_channels=16, num_classes=5)
        decoders = dict.fromkeys(names, model_config()["decoders"]["depth"])
        config = model_config(PLANS["all three"], heads=dict.fromkeys(names, head))
        model = make(config, step, decoders=decoders, task_weights={})
        data = batch([()] * 2)
        for sample in data["data_samples"]:
            for name in names:
                sample.set_field(make_sample("semantic").gt_semantic, f"gt_{name}")
        held = Held(model)
        optim_wrapper = OptimWrapper(torch.optim.SGD(model.parameters(), lr=0.0))
        with torch.autograd.graph.saved_tensors_hooks(
            held.pack, lambda kept: getattr(kept, "x", kept)
        ):
            model.train_step(data, optim_wrapper)
        assert held.now == 0
        return held.most

    assert most("TaskByTask") < 0.4 * most("AllTasks")


class Held:
    """Counts the bytes of tensors that are kept, each storage once, and not the weights."""

    def __init__(self, model: nn.Module) -> None:
        self.weights = {p.data_ptr() for p in model.parameters()}
        self.storages: dict[int, int] = {}
        self.now = self.most = 0

    def pack(self, x: Tensor) -> Kept | Tensor:
        return x if x.untyped_storage().data_ptr() in self.weights else Kept(x, self)


class Kept:
    """A tensor that is counted as long as it is kept."""

    def __init__(self, x: Tensor, held: Held) -> None:
        self.x, self.held, self.key = x, held, x.untyped_storage().data_ptr()
        held.storages[self.key] = held.storages.get(self.key, 0) + 1
        if held.storages[self.key] == 1:
            held.now += x.untyped_storage().nbytes()
            held.most = max(held.most, held.now)

    def __del__(self) -> None:
        self.held.storages[self.key] -= 1
        if not self.held.storages[self.key]:
            self.held.now -= self.x.untyped_storage().nbytes()
