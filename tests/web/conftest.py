from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from PIL import Image

from mtlplugins.rooms.renderer import render_room
from mtlplugins.web.serve.served import ServedModel
from tests.web.tiny import SIZE, tiny_config, write_checkpoint


@pytest.fixture(scope="session")
def config() -> Config:
    return tiny_config()


@pytest.fixture(scope="session")
def checkpoint(config: Config, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_checkpoint(config, tmp_path_factory.mktemp("web") / "first.pth")


@pytest.fixture(scope="session")
def model(config: Config, checkpoint: str) -> ServedModel:
    return ServedModel(config, checkpoint, "cpu")


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    """RGB (64, 96, 3): the size at which the model predicts."""
    return render_room(0, 0, size=SIZE).image


@pytest.fixture(scope="session")
def photo(pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photo") / "room.png"
    Image.fromarray(pixels).save(path)
    return path
