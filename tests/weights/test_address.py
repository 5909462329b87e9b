from __future__ import annotations

import pytest
import timm
import torch
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError
from safetensors.torch import save_file

from mtlplugins.weights import address, read_weights


def answer(monkeypatch: pytest.MonkeyPatch, result: object) -> list[tuple]:
    """Let the hub's client return or raise ``result``; the list holds what it is asked."""
    asked = []

    def hf_hub_download(*args):
        asked.append(args)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(address, "hf_hub_download", hf_hub_download)
    return asked


def test_a_model_of_timm_comes_from_the_hub_s_client(tmp_path, monkeypatch):
    save_file({"conv1.weight": torch.ones(2)}, tmp_path / "model.safetensors")
    asked = answer(monkeypatch, str(tmp_path / "model.safetensors"))
    state, _ = read_weights(dict(checkpoint="timm://resnet18.a1_in1k"))
    assert torch.equal(state["conv1.weight"], torch.ones(2))
    assert asked == [("timm/resnet18.a1_in1k", "model.safetensors")]


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(ValueError, match=r"no weights of that name; near it: .*resnet18\.a1_in1k"):
        read_weights(dict(checkpoint="timm://resnet18.a1_in1"))
    assert "resnet18.a1_in1k" in timm.list_pretrained()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (LocalEntryNotFoundError("no network"), r"cannot be reached.*HF_ENDPOINT.*HF_HUB_OFFLINE"),
        (ConnectionError("refused"), r"cannot be reached.*set HF_HOME"),
    ],
)
def test_a_hub_that_does_not_answer_says_what_to_set(error, message: str, monkeypatch):
    answer(monkeypatch, error)
    with pytest.raises(FileNotFoundError, match=message):
        read_weights(dict(checkpoint="timm://resnet18.a1_in1k"))


def test_a_gated_download_says_what_to_accept(monkeypatch):
    error = GatedRepoError.__new__(GatedRepoError)
    answer(monkeypatch, error)
    message = r"timm/resnet18\.a1_in1k is given out only.*accept.*HF_TOKEN"
    with pytest.raises(FileNotFoundError, match=message):
        read_weights(dict(checkpoint="timm://resnet18.a1_in1k"))


def test_a_truncated_safetensors_file_is_named(tmp_path):
    file = tmp_path / "a.safetensors"
    save_file({"conv.weight": torch.ones(100)}, file)
    whole = file.read_bytes()
    for content in (whole[:-100], whole[:5], b"", b"\x80\x02}."):
        file.write_bytes(content)
        with pytest.raises(ValueError, match=r"a\.safetensors is no safetensors file, or is damag"):
            read_weights(dict(checkpoint=str(file)))
    with pytest.raises(FileNotFoundError, match=r"cannot read the pretrained encoder .*b\.safete"):
        read_weights(dict(checkpoint=str(tmp_path / "b.safetensors")))
