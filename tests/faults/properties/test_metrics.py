"""Properties of metrics, against a reference by pixel, for any distribution of images."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from mtlplugins.evaluation import MultiTaskIoUMetric
from tests.faults.properties._evaluation import Processes, in_batches
from tests.faults.properties._examples import examples
from tests.faults.properties._maps import CLASSES, IGNORED, KINDS, Image, Kind

# an image without a valid pixel is a mean of nothing, here as there
pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore:Mean of empty slice")]

KINDS_BY_NAME = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def approximately(found: dict[str, float], **slack: float) -> object:
    return pytest.approx(found, nan_ok=True, **slack)


def some_images(data: st.DataObject, kind: Kind, **sizes: int) -> list[Image | None]:
    """Images, some of them without this target."""
    sizes = dict(min_size=1, max_size=6) | sizes
    return data.draw(st.lists(st.one_of(kind.images, kind.images, st.none()), **sizes))


def dealt(data: st.DataObject, things: list) -> list[list]:
    """Batches of any sizes."""
    cuts = data.draw(st.lists(st.integers(0, len(things)), max_size=3).map(sorted))
    return [things[a:b] for a, b in zip([0, *cuts], [*cuts, len(things)], strict=True)]


@KINDS_BY_NAME
@examples(80)
@given(data=st.data())
def test_as_told_pixel_by_pixel(kind: Kind, data: st.DataObject) -> None:
    images = some_images(data, kind)
    found = in_batches(kind.metric, [[kind.sample(image) for image in images]])
    wanted = kind.naive([image for image in images if image is not None])
    wanted = {f"{kind.task}/{name}": value for name, value in wanted.items()}
    assert found == approximately(wanted, **kind.slack)
    if kind.task == "normals":  # exact, but for the median
        del found["normals/median"], wanted["normals/median"]
        assert found == approximately(wanted, rel=1e-9, abs=1e-5)


@KINDS_BY_NAME
@examples(50)
@given(data=st.data())
def test_batches_and_order_change_nothing(kind: Kind, data: st.DataObject) -> None:
    samples = [kind.sample(image) for image in some_images(data, kind)]
    once = in_batches(kind.metric, [samples])
    again = in_batches(kind.metric, dealt(data, data.draw(st.permutations(samples))))
    assert again == approximately(once, rel=1e-9, abs=1e-5)


@KINDS_BY_NAME
@examples(30)
@given(data=st.data())
def test_processes_change_nothing(kind: Kind, data: st.DataObject) -> None:
    """Dealt out in turn, the first images again where a sampler rounds up."""
    samples = [kind.sample(image) for image in some_images(data, kind)]
    world = data.draw(st.integers(1, 4))
    each = -(-len(samples) // world)
    rounded = [samples[i % len(samples)] for i in range(each * world)]
    # a process may also go without, as those of samplers that do not round up
    whole = rounded if data.draw(st.booleans()) else samples
    shares = [whole[rank::world] for rank in range(world)]
    found = Processes(world).evaluate(kind.metric, shares, len(samples))
    alone = in_batches(kind.metric, [samples])
    assert all(result == found[0] or math.isnan(sum(result.values())) for result in found)
    for result in found:
        assert result == approximately(alone, rel=1e-9, abs=1e-5)


@KINDS_BY_NAME
@examples(30)
@given(data=st.data())
def test_nothing_to_score(kind: Kind, data: st.DataObject) -> None:
    """Images without a target, or without a valid pixel: no number, and the next are not hurt."""
    empty: list[Image | None] = [None] * data.draw(st.integers(0, 3))
    if kind.task != "scene":
        truth, guess = data.draw(kind.images)
        empty.append((np.full_like(truth, IGNORED if kind.task == "semantic" else 0), guess))
    metric = kind.metric()
    metric.process(None, [kind.sample(image) for image in empty])
    found = metric.evaluate(max(len(empty), 1))
    assert set(found) == {f"{kind.task}/{name}" for name in metric.names}
    assert all(map(math.isnan, found.values()))
    images = some_images(data, kind)
    plain = in_batches(kind.metric, [[kind.sample(image) for image in images]])
    # the same metric, used again; and empty images among the others
    both = [kind.sample(image) for image in data.draw(st.permutations(images + empty))]
    metric.process(None, both)
    assert metric.evaluate(len(both)) == approximately(plain, rel=1e-9, abs=1e-5)


@KINDS_BY_NAME
@examples(50)
@given(data=st.data())
def test_a_prediction_that_is_no_number_names_its_image(kind: Kind, data: st.DataObject) -> None:
    truth, guess = data.draw(kind.images)
    if kind.task == "scene":
        valid = np.ones(guess.shape, bool)
        bad = math.nan
    elif kind.task == "semantic":
        valid, bad = np.ones(guess.shape, bool), data.draw(st.sampled_from((-1, CLASSES, IGNORED)))
    elif kind.task == "normals":
        valid = np.broadcast_to(np.isfinite(truth).all(0) & truth.any(0), guess.shape)
        bad = data.draw(st.sampled_from((math.nan, math.inf, -math.inf)))
    else:
        valid = (truth >= 0.5) & (truth <= 8)
        bad = data.draw(st.sampled_from((math.nan, -math.inf)))
    assume(valid.any())
    guess = guess.copy()
    guess[tuple(data.draw(st.sampled_from([*zip(*np.nonzero(valid), strict=True)])))] = bad
    samples = [kind.sample(data.draw(kind.images)), kind.sample((truth, guess), "room/7.png")]
    with pytest.raises(ValueError, match=rf"task '{kind.task}', image room/7\.png: "):
        kind.metric().process(None, samples)


@examples(80)
@given(st.integers(1, 300), st.data())
def test_any_number_of_classes(count: int, data: st.DataObject) -> None:
    """Each class is counted as itself, be there one or hundreds, and be they the first or last."""
    labels = st.integers(0, count - 1)
    present = data.draw(st.lists(st.tuples(labels, labels), min_size=1, max_size=12))
    truth, guess = torch.tensor(present).T[:, None, None]
    ignored = data.draw(st.sampled_from((-1, 1000)))
    metric = MultiTaskIoUMetric("semantic")
    entry = dict(kind="segmentation", classes=tuple(map(str, range(count))), ignore_index=ignored)
    metric.dataset_meta = {"tasks": {"semantic": entry}}
    areas = metric.score({"data": truth}, {"data": guess})[1:].view(4, count)
    for c in range(count):
        there, said = truth == c, guess == c
        wanted = [there & said, there | said, said, there]
        assert areas[:, c].tolist() == [int(area.sum()) for area in wanted]
