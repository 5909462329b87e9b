"""Experiment cards equal the thesis's tables 4.3 to 4.11."""

from __future__ import annotations

import pytest
from mmengine.config import Config

from mtlplugins.analysis.results.cards import ROWS, card
from mtlplugins.apis import load_config
from tests.tools.command import ROOT

REGULAR, CONDITIONED = "Regular", "Conditioned, from scratch"
CARDS = {
    "nyuv2/swin_only_depth_nyuv2": ("False", "None", REGULAR, "False", "False", "-"),
    "nyuv2/swin_only_segmentation_nyuv2": ("False", "None", REGULAR, "False", "False", "-"),
    "nyuv2/swin_baseline_nyuv2": ("True", "None", REGULAR, "False", "False", "5-1"),
    "nyuv2/swin_frozen_nyuv2": ("True", "0-0-6-2", CONDITIONED, "True", "True", "5-1"),
    "nyuv2/swin_cond_norm_scratch_nyuv2": ("True", "All", CONDITIONED, "False", "False", "5-1"),
    "nyuv2/swin_cond_norm_nyuv2": ("True", "All", "Conditioned", "False", "False", "5-1"),
    "nyuv2/swin_cond_norm_scratch_1_40_nyuv2": (
        ("True", "All", CONDITIONED, "False", "False", "40-1")
    ),
    "swin_cond_nyuv2": ("True", "All", REGULAR, "False", "False", "5-1"),
    "nyuv2/swin_cond_0_0_18_0_nyuv2": ("True", "0-0-18-0", REGULAR, "False", "False", "5-1"),
}


@pytest.mark.parametrize("name", CARDS)
def test_cards_of_the_thesis(name: str, tmp_path) -> None:
    """As saved with a run, which sorts the keys."""
    load_config(str(ROOT / f"configs/{name}.py")).dump(tmp_path / "config.py")
    expected = dict(zip(ROWS, CARDS[name], strict=True))
    assert card(Config.fromfile(tmp_path / "config.py")) == expected


def test_frozen_tasks_freeze_the_encoder() -> None:
    config = Config.fromfile(ROOT / "configs/rooms/swin_cond_add_normals_rooms.py")
    assert card(config)["Frozen Encoder"] == "True"


def test_all_blocks_by_number_are_all() -> None:
    plan = dict(attention=(0, 0, 2, 2), norm=(2, 2, 1, 0))
    model = dict(backbone=dict(depths=(2, 2, 2, 2), plan=plan), heads=dict(a={}, b={}, c={}))
    found = card(Config(dict(model=dict(**model, task_weights=dict(b=0.5)))))
    assert found["Conditioned Modules"] == "All"
    assert found["Layer Normalization"] == "Conditioned"
    assert found["Task Weighting"] == "1-0.5-1"
