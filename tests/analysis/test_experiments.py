from __future__ import annotations

from mmengine.config import Config

from mtlplugins.analysis.experiments import experiment_of


def test_a_config_s_own_experiment_goes_before_the_file_s() -> None:
    own = dict(name="mine", published={"depth/d1": 0.5})
    found = experiment_of(Config(dict(experiment=own)), "swin_baseline_nyuv2")
    assert found["name"] == "mine"
    assert found["published"] == {"depth/d1": 0.5, "semantic/mIoU": 49.77}
    assert found["rows"] == {"4.4": "Baseline Multitask", "4.6": "Baseline Multitask"}


def test_a_config_of_no_paper_has_none() -> None:
    assert experiment_of(Config({}), "mine") == {}
    assert experiment_of(Config(dict(experiment=None)), "mine") == {}


def test_what_the_file_says_stays_as_it_is() -> None:
    experiment_of(Config(dict(experiment=dict(published={"depth/d1": 0.0}))), "swin_cond_nyuv2")
    assert experiment_of(Config({}), "swin_cond_nyuv2")["published"]["depth/d1"] == 0.788
