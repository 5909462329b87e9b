"""A compiled network computes what the plain one does, with few graphs for partly labelled data."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from torch import Tensor

from mtlplugins.datasets import RoomsDataset
from mtlplugins.engine import CompileHook
from mtlplugins.models import MultiTaskModel
from mtlplugins.models.compiled_network import padded_count
from mtlplugins.structures import MultiTaskDataSample
from tests.models._encoders import ENCODERS
from tests.models._models import images, make_model, make_sample, perturb_conditioning

TASKS = (("semantic", "depth", "scene"), ("semantic", "scene"))  # targets of two images


def compiled(model: MultiTaskModel, **options) -> MultiTaskModel:
    """A copy whose network has to become one graph; its kernels are PyTorch's own."""
    model = copy.deepcopy(model)
    CompileHook(backend="aot_eager", fullgraph=True, **options).before_run(
        SimpleNamespace(model=model)
    )
    return model


def small_model(**settings) -> MultiTaskModel:
    """Rows after the first block; a decoder with batch norms, and a task without a decoder."""
    model = make_model(
        backbone=dict(
            type="CondSwinTransformer",
            embed_dims=8,
            depths=(1, 1),
            num_heads=(1, 1),
            strides=(4, 2),
            out_indices=(0, 1),
            window_size=4,
            drop_path_rate=0.0,
            plan=dict(embed_dims=4, norm=(0, 1), attention=(0, 1)),
        ),
        decoders=dict(depth=dict(type="ConvUNetDecoder", in_channels=(8, 16), channels=(4,))),
        heads=dict(
            depth=dict(type="DepthHead", in_channels=4, min_depth=0.5, max_depth=10.0),
            scene=dict(type="ClassificationHead", in_channels=16, num_classes=9),
        ),
        **settings,
    )
    perturb_conditioning(model)
    return model.double().train()


#: Targets of the images of an epoch of partly labelled rooms, four images a batch.
EPOCH = (
    ("depth scene", "depth scene", "depth scene", "depth scene"),
    ("depth", "scene", "depth", "scene"),
    ("depth scene", "depth", "scene", "depth"),
    ("scene", "scene", "scene", "scene"),
    ("depth", "depth scene", "", ""),
    ("", "", "scene", ""),
)


def rooms() -> list[tuple[Tensor, list[MultiTaskDataSample]]]:
    """The batches of :data:`EPOCH`."""
    with DefaultScope.overwrite_default_scope("mmseg"):
        pack = [dict(type="PackMultiTask")]
        data = RoomsDataset(4 * len(EPOCH), size=(32, 32), pipeline=pack)
    batches = []
    for number, targets in enumerate(EPOCH):
        items = [data[4 * number + i] for i in range(4)]
        for item, own in zip(items, targets, strict=True):
            for task in {"depth", "scene"} - {*own.split()}:
                delattr(item["data_samples"], f"gt_{task}")
        pixels = torch.stack([item["inputs"] for item in items]).double() / 255
        batches.append((pixels, [item["data_samples"] for item in items]))
    return batches


def trained(model: MultiTaskModel, batch: tuple) -> list[dict]:
    """Losses, gradients and statistics of a batch."""
    model.zero_grad()
    losses = model.loss(*batch)
    sum(loss for name, loss in losses.items() if "loss" in name).backward()
    gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
    return [losses, gradients, {n: b.clone() for n, b in model.named_buffers()}]


def count_sizes(graphs: list, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``torch.compile`` run what it is given, and list each new combination of sizes."""

    def compile_nothing(network: Callable, **options) -> Callable:
        assert options["dynamic"] is False  # else a graph would not be for one combination

        def run(inputs: Tensor, tasks: tuple[str, ...], images: Tensor | None) -> dict[str, Tensor]:
            sizes = inputs.shape, tasks, None if images is None else images.shape
            if sizes not in graphs:
                graphs.append(sizes)
            return network(inputs, tasks, images)

        return run

    monkeypatch.setattr(torch, "compile", compile_nothing)


@pytest.mark.parametrize("really", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_an_epoch_of_partly_labelled_rooms_makes_three_graphs(
    really: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One where half the rows are enough, one of all rows, and one for predictions."""
    torch._dynamo.reset()
    plain = small_model()
    model = copy.deepcopy(plain)
    graphs: list = []

    def backend(graph: torch.fx.GraphModule, _: list) -> Callable:
        graphs.append(graph)
        return graph.forward

    if not really:
        count_sizes(graphs, monkeypatch)
    CompileHook(backend=backend, fullgraph=True).before_run(SimpleNamespace(model=model))
    batches = rooms()
    for batch in batches:
        torch.testing.assert_close(trained(model, batch), trained(plain, batch))
    assert len(graphs) == 2
    with torch.no_grad():
        found, wanted = model.eval()(batches[0][0]), plain.eval()(batches[0][0])
    torch.testing.assert_close(found, wanted)
    assert len(graphs) == 3
    assert [*model.state_dict()] == [*plain.state_dict()]


@pytest.mark.parametrize(("most", "count"), [(1, 3), (3, 3), (4, 5), (5, 5)])
def test_rows_of_five_images(most: int, count: int) -> None:
    assert padded_count(5, most) == count


def test_the_encoder_alone() -> None:
    model = small_model(step=dict(type="TaskByTask"))
    assert "one task after the other" in str(model.compile_network(backend="eager"))
    assert model.backbone._compiled_call_impl is not None
    assert "encode_decode" not in vars(model)
    model = small_model()
    model.exchange = torch.nn.Identity()
    assert "maps of other tasks" in str(model.compile_network(backend="eager"))


def test_norms_that_padding_would_change() -> None:
    model = torch.nn.SyncBatchNorm.convert_sync_batchnorm(small_model())
    assert "synchronised" in str(model.compile_network(backend="eager"))
    make, plan = ENCODERS["ResNet"]
    assert "conditioned encoder" in str(make(plan).compile_network(backend="eager"))
    # without rows they see images alone
    assert make(None).compile_network(backend="eager") is None


@pytest.mark.slow
def test_pytorchs_own_compiler() -> None:
    torch._dynamo.reset()
    plain = small_model().float()
    model = copy.deepcopy(plain)
    model.compile_network(fullgraph=True)
    for pixels, samples in rooms()[:2]:
        batch = pixels.float(), samples
        torch.testing.assert_close(
            trained(model, batch), trained(plain, batch), rtol=1e-4, atol=1e-5
        )


@pytest.mark.slow
@pytest.mark.parametrize("encoder", list(ENCODERS))
def test_losses_and_gradients(encoder: str) -> None:
    """float64, with conditional modules; one image lacks a target. ResNets: the encoder alone."""
    make, plan = ENCODERS[encoder]
    plain = make(plan)
    perturb_conditioning(plain)
    found = []
    for model in (plain.double().train(), compiled(plain).double()):
        torch._dynamo.reset()
        samples = [make_sample(*tasks, seed=seed) for seed, tasks in enumerate(TASKS)]
        torch.manual_seed(0)
        losses = model.loss(images(2).double(), samples)
        sum(loss for name, loss in losses.items() if "loss" in name).backward()
        gradients = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        found.append((losses, gradients))
        state = model.state_dict()
    assert state.keys() == plain.state_dict().keys()
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_a_resumed_run_has_the_weights_of_an_unbroken_one() -> None:
    """Bit by bit, with partly labelled batches; the resumed process compiles anew."""

    def train(model: MultiTaskModel, wrapper: OptimWrapper, batches: list[tuple]) -> None:
        for pixels, samples in batches:
            model.train_step(dict(inputs=pixels.float(), data_samples=samples), wrapper)

    def start(state: dict | None = None) -> tuple[MultiTaskModel, OptimWrapper]:
        torch._dynamo.reset()
        model = compiled(small_model().float())
        wrapper = OptimWrapper(torch.optim.AdamW(model.parameters(), lr=1e-2))
        if state is not None:
            model.load_state_dict(state["model"])
            wrapper.load_state_dict(state["optimizer"])
        return model, wrapper

    unbroken = start()
    train(*unbroken, rooms()[:3])
    states = (part.state_dict() for part in unbroken)
    state = copy.deepcopy(dict(zip(("model", "optimizer"), states, strict=True)))
    train(*unbroken, rooms()[3:])
    resumed = start(state)
    train(*resumed, rooms()[3:])
    for name, value in unbroken[0].state_dict().items():
        assert torch.equal(resumed[0].state_dict()[name], value), name


def test_predictions_follow_the_weights() -> None:
    plain = small_model().float().eval()
    model = compiled(plain)
    for _ in range(2):
        with torch.no_grad():
            torch.testing.assert_close(model(images(2)), plain(images(2)))
        perturb_conditioning(plain)
        model.load_state_dict(plain.state_dict())


def test_a_wrapped_model_is_unwrapped() -> None:
    """What is compiled is the encoder itself, not a wrapper of it."""
    make, plan = ENCODERS["ResNet"]
    model = make(plan)
    wrapper = MMDistributedDataParallel.__new__(MMDistributedDataParallel)
    torch.nn.Module.__init__(wrapper)
    wrapper.module = model
    CompileHook().before_run(SimpleNamespace(model=wrapper))
    assert model.backbone._compiled_call_impl is not None
    assert model._compiled_call_impl is None
