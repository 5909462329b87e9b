from __future__ import annotations

import copy
import threading

import pytest
import torch
from torch import Tensor

from mtlplugins.models.conditioning import Condition
from mtlplugins.models.layers import CondSwinBlock, Windows
from mtlplugins.models.layers.windows import shift_mask
from tests.models._encoders import ENCODERS, shaken
from tests.models._models import images, make_condition, perturb
from tests.models.layers.test_swin_block import same_region

ORDERS = (None, False, True)


def numbered(size: tuple[int, int], rows: int = 2) -> Tensor:
    """Tokens (rows, H·W, 3) that say where they are: row, y, x."""
    height, width = size
    axes = [torch.arange(side) for side in (rows, height, width)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(1, 2)


@pytest.mark.parametrize("shifted", [False, True])
def test_a_window_holds_its_square_of_the_map(shifted: bool):
    windows = Windows((6, 4), 2, torch.zeros(1))
    cut = windows.cut(windows.move(numbered((6, 4)), None, shifted), shifted)
    assert cut.shape == (2, 6, 4, 3)
    for row in range(2):
        for place, (top, left) in enumerate((t, w) for t in (0, 2, 4) for w in (0, 2)):
            square = [
                [row, (top + i + shifted) % 6, (left + j + shifted) % 4]
                for i in (0, 1)
                for j in (0, 1)
            ]
            assert cut[row, place].tolist() == square


@pytest.mark.parametrize("size", [(6, 9), (5, 7), (2, 2)], ids=["whole", "padded", "single"])
def test_ways_from_order_to_order_agree(size: tuple[int, int]):
    windows = Windows(size, 3, torch.zeros(1))
    x = numbered(size)
    for before in ORDERS:
        there = windows.move(x, None, before)
        for after in ORDERS:
            assert torch.equal(windows.move(there, before, after), windows.move(x, None, after))
        if before is not None:
            assert torch.equal(windows.join(windows.cut(there, before), before), there)


def test_gradients_of_a_move():
    windows = Windows((4, 4), 2, torch.zeros(1))
    x = torch.randn(2, 16, 3, dtype=torch.float64, requires_grad=True)
    move = lambda x: windows.move(x, None, True) ** 2  # noqa: E731
    assert torch.autograd.gradcheck(move, x)
    assert torch.autograd.gradgradcheck(move, x)


def test_tokens_in_order_of_windows_give_what_padding_and_cutting_gives():
    """A plain and a shifted block on whole windows, the long way and the short one; float64."""
    torch.manual_seed(0)
    blocks = [CondSwinBlock(6, 2, 10, window_size=3, shift=shift) for shift in (False, True)]
    for block in blocks:
        block.attach(dict(attention={}), embed_dims=8)
        perturb(block.parameters(), std=0.5)
        block.double().eval()
    condition = make_condition({0: [0, 1], 4: [0]})
    condition = Condition(
        condition.z.double(), condition.image_index, condition.task_index, condition.rows_per_task
    )
    x = torch.randn(3, 54, 6, dtype=torch.float64, requires_grad=True)
    found = []
    for whole in (True, False):
        windows = Windows((6, 9), 3, x)
        assert windows._whole
        windows._whole = whole
        out, order = x, None
        for block in blocks:
            out = block(windows.move(out, order, block.shifted), windows, condition)
            order = block.shifted
        out = windows.move(out, order, None)
        weights = [p for block in blocks for p in block.parameters()]
        found.append([out, *torch.autograd.grad(out.square().sum(), [x, *weights])])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize(("size", "window"), [((8, 12), 4), ((5, 9), 4), ((3, 5), 7), ((14, 7), 7)])
def test_shift_mask_keeps_what_was_not_rolled_around_apart(size: tuple[int, int], window: int):
    mask = shift_mask(size, window, torch.zeros(1))
    height, width = (-(-side // window) * window for side in size)
    shift = window // 2
    wanted = []
    for top in range(0, height, window):
        for left in range(0, width, window):
            tokens = [(top + i, left + j) for i in range(window) for j in range(window)]
            wanted.append(
                [
                    [
                        0.0
                        if same_region(a, c, height, shift) and same_region(b, d, width, shift)
                        else -torch.inf
                        for c, d in tokens
                    ]
                    for a, b in tokens
                ]
            )
    assert torch.equal(mask[:, 0], torch.tensor(wanted))
    assert mask.isinf().any()


@pytest.mark.parametrize("name", ["Swin", "ViT"])
@torch.no_grad()
def test_windows_kept_for_all_threads(name: str):
    """Windows are made once for a size, whatever thread asks first."""
    make, plan = ENCODERS[name]
    model = shaken(make(plan))
    sizes = ((32, 32), (32, 64), (64, 32))
    wanted = {size: copy.deepcopy(model)(images(1, size)) for size in sizes}
    wrong = []

    def serve(shift: int) -> None:
        with torch.no_grad():
            for i in range(10):
                size = sizes[(i + shift) % 3]
                found = model(images(1, size))
                wrong.extend(t for t in found if (found[t] - wanted[size][t]).abs().max() > 1e-4)

    threads = [threading.Thread(target=serve, args=(shift,)) for shift in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("name", ["Swin", "ViT"])
def test_prediction_in_inference_mode_then_training(name: str):
    make, plan = ENCODERS[name]
    model = shaken(make(plan))
    with torch.inference_mode():
        before = model(images(1))
    with torch.no_grad():
        again = model(images(1))
    assert all(torch.equal(logits, again[task]) for task, logits in before.items())
    model.train()
    sum(logits.sum() for logits in model(images(2)).values()).backward()
    conditional = [p for n, p in model.named_parameters() if "conditional_attention" in n]
    assert conditional
    assert all(p.grad.abs().sum() > 0 for p in conditional)
