"""Every kind of target has all of its parts, or a reason for each missing one."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest
from mmengine.structures import PixelData
from mmseg.registry import DATASETS, METRICS, MODELS

import mtlplugins
from mtlplugins import kinds
from mtlplugins.analysis.blind import BlindPredictor
from mtlplugins.datasets.targets import Target
from mtlplugins.evaluation import MultiTaskDepthMetric, TaskMetric
from mtlplugins.models.heads import TaskHead
from mtlplugins.structures import MultiTaskDataSample
from mtlplugins.visualization import Writer, prediction_file, save_predictions

OURS = (
    "classification",
    "depth",
    "edges",
    "keypoints",
    "mask",
    "multilabel",
    "normals",
    "ordinal",
    "pixels",
    "regression",
    "segmentation",
    "values",
)
CLASSES = dict(target=Target, head=TaskHead, metric=TaskMetric)
REGISTRIES = dict(target=DATASETS, head=MODELS, metric=METRICS)


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what a test enters."""
    entered = {kind: {p: list(v) for p, v in row.items()} for kind, row in kinds._entered.items()}
    monkeypatch.setattr(kinds, "_entered", entered)
    monkeypatch.setattr(kinds, "_reasons", dict(kinds._reasons))


def test_our_kinds_are_entered() -> None:
    assert set(OURS) <= set(kinds.kinds())


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("part", kinds.PARTS)
def test_every_kind_has_every_part_or_a_reason(kind: str, part: str) -> None:
    entered = kinds.parts(kind, part)
    if kinds.why_left_out(kind, part) or (part in kinds.OPTIONAL and not entered):
        return
    assert entered, f"{kind} has no {part}: enter one, or state why with kinds.leave_out"
    for value in entered:
        if part in CLASSES:
            assert issubclass(value, CLASSES[part])
            assert value.kind == kind
            assert REGISTRIES[part].get(value.__name__) is value  # found by the name in a config
        else:
            assert callable(value) or isinstance(value, (Writer, BlindPredictor))


def test_every_target_head_and_metric_of_ours_is_of_a_kind() -> None:
    for part, base in CLASSES.items():
        entered = {value for kind in kinds.kinds() for value in kinds.parts(kind, part)}
        for value in REGISTRIES[part].module_dict.values():
            ours = getattr(value, "__module__", "").startswith("mtlplugins.")
            if ours and isinstance(value, type) and issubclass(value, base):
                assert entered & set(value.__mro__), f"{value.__name__} is entered for no kind"


@pytest.mark.usefixtures("empty")
def test_a_missing_part_is_named_with_the_way_out(tmp_path: Path) -> None:
    message = (
        rf"task 'rims': kind 'cracks' has no writer, only {', '.join(OURS)}: "
        r".*enter a mtlplugins\.visualization\.Writer "
        r"with mtlplugins\.kinds\.enter\('cracks', 'writer', …\).*custom_imports"
    )
    with pytest.raises(ValueError, match=message):
        prediction_file(tmp_path, "rims", "cracks", "a")
    kinds.leave_out("cracks", "writer", "nobody reads them")
    with pytest.raises(ValueError, match="kind 'cracks' has no writer: nobody reads them"):
        prediction_file(tmp_path, "rims", "cracks", "a")
    assert kinds.why_left_out("cracks", "writer") == "nobody reads them"


@pytest.mark.usefixtures("empty")
def test_a_part_entered_from_outside_is_used(tmp_path: Path) -> None:
    written = []
    for number in (1, 2):  # the later one replaces the earlier

        def write(field, entry, path, number=number):
            written.append((number, path))

        kinds.enter("cracks", "writer", Writer(".txt", write))
    sample = MultiTaskDataSample(pred_rims=PixelData())
    save_predictions(sample, dict(rims=dict(kind="cracks")), tmp_path, "a/b")
    assert written == [(2, tmp_path / "rims/a/b.txt")]
    assert kinds.why_left_out("cracks", "writer") is None


@pytest.mark.usefixtures("empty")
def test_a_class_may_serve_two_kinds() -> None:
    class Height(MultiTaskDepthMetric): ...

    kinds.enter("height", "metric", Height)
    assert Height.kind == "height"
    assert MultiTaskDepthMetric.kind == "depth"
    metric = Height("roof")
    metric.dataset_meta = dict(tasks=dict(roof=dict(kind="height")))
    with pytest.raises(ValueError, match="tasks of kind 'height', but this is of kind 'surface"):
        metric.dataset_meta = dict(tasks=dict(roof=dict(kind="surface")))
    kinds.enter("depth", "metric", Height)
    metric.dataset_meta = dict(tasks=dict(roof=dict(kind="depth")))
    assert Height.kind == "height"


def test_an_unknown_part_is_an_error() -> None:
    for use in (kinds.part_of_kind, kinds.parts, kinds.get_part):
        with pytest.raises(ValueError, match="no part 'loss', only target, head, metric, drawer"):
            use("depth", "loss")


def test_contributing_names_what_there_is() -> None:
    text = (Path(mtlplugins.__file__).parents[1] / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Extending") : text.index("## Style")]
    rooms = "|".join(("analysis", "datasets", "evaluation", "kinds", "models", "visualization"))
    named = re.findall(rf"`((?:{rooms})(?:\.\w+)*)", section)
    assert len(set(named)) >= 8
    for name in named:
        assert pkgutil.resolve_name(f"mtlplugins.{name}") is not None
