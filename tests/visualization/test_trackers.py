"""A tracker's client can neither change a run nor end it."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.visualization import BaseVisBackend
from mmengine.visualization.vis_backend import MLflowVisBackend

from mtlplugins.visualization import MultiTaskVisualizer, trackers


class Fake(BaseVisBackend):
    """Seeds all generators as ClearML does, draws from them, and fails where it is told to."""

    def __init__(self, *fails: str) -> None:
        super().__init__("")
        self.fails = fails
        self.got: list[str] = []

    @property
    def experiment(self) -> list[str]:
        return self.got

    def _init_env(self) -> None:
        """Nothing to begin."""

    def _record(self, what: str) -> None:
        random.seed(1337)
        np.random.seed(1337)
        torch.manual_seed(1337)
        self.got.append(what)
        if what in self.fails:
            raise OSError(f"no {what} today")

    def add_config(self, config: Config, **kwargs: Any) -> None:
        self._record("config")

    def add_image(self, name: str, image: np.ndarray, step: int = 0, **kwargs: Any) -> None:
        self._record("image")

    def add_scalar(self, name: str, value: Any, step: int = 0, **kwargs: Any) -> None:
        self._record("scalar")

    def add_scalars(
        self, scalar_dict: dict, step: int = 0, file_path: str | None = None, **kwargs: Any
    ) -> None:
        self._record("scalars")

    def close(self) -> None:
        self._record("close")


def use(visualizer: MultiTaskVisualizer) -> None:
    visualizer.add_config(Config())
    visualizer.add_image("a", np.zeros((2, 2, 3), np.uint8))
    visualizer.add_scalar("a", 1.0)
    visualizer.add_scalars({"a": 1.0})
    visualizer.add_scalars({"a": 2.0})
    visualizer.close()


def draws() -> tuple[Any, ...]:
    return random.random(), np.random.rand(), torch.rand(()).item(), torch.initial_seed()


def test_random_numbers_are_those_without_a_tracker() -> None:
    found = []
    for backends in ([], [Fake()], [Fake("image", "close")]):
        random.seed(3)
        np.random.seed(3)
        torch.manual_seed(3)
        use(MultiTaskVisualizer(vis_backends=backends))
        found.append(draws())
    assert found[1:] == [found[0]] * 2


def test_failures_of_a_run_are_said_once_and_others_still_get_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(trackers, "print_log", lambda text, **kwargs: said.append(text))
    broken, sound = Fake("image", "scalars", "close"), Fake()
    visualizer = MultiTaskVisualizer(vis_backends=[broken])
    other = MultiTaskVisualizer(vis_backends=[sound])
    use(visualizer)
    use(other)
    assert broken.got == sound.got
    assert [text.partition(" failed")[0] for text in said] == [
        "Fake.add_image",
        "Fake.add_scalars",
        "Fake.close",
    ]
    assert "OSError: no image today" in said[0]


def test_a_client_that_does_not_start_ends_the_run_before_it_begins() -> None:
    visualizer = MultiTaskVisualizer(vis_backends=[Fake("config")])
    with pytest.raises(RuntimeError, match=r"vis_backends: Fake does not start \(OSError: no conf"):
        visualizer.add_config(Config())


def test_mlflow_writes_files_and_gets_names_with_step_and_suffix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    images, allowed = [], []

    def set_tracking_uri(uri: str) -> None:
        import os

        allowed.append((uri, os.environ.get("MLFLOW_ALLOW_FILE_STORE")))

    client = SimpleNamespace(
        set_tracking_uri=set_tracking_uri,
        get_experiment_by_name=lambda name: name,
        set_experiment=lambda name: None,
        log_image=lambda image, name: images.append(name),
    )
    monkeypatch.setitem(sys.modules, "mlflow", client)
    backend = MLflowVisBackend(str(tmp_path))
    pixels = np.zeros((2, 2, 3), np.uint8)
    for name in ("val_a", "val_b.jpg", "val_1.25"):
        backend.add_image(name, pixels, step=7)
    assert allowed == [(f"file://{tmp_path}", "true")]
    assert images == ["val_a_7.png", "val_b_7.png", "val_1.25_7.png"]
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    MLflowVisBackend(str(tmp_path), tracking_uri="sqlite://").add_image("a", pixels)
    assert allowed[1] == ("sqlite://", None)
