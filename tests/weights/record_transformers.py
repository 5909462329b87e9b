"""Record what networks of transformers compute, in an environment that has it (5.24.0).

python tests/weights/record_transformers.py > tests/weights/transformers.json

The weights are random by their names in the file that ``save_pretrained`` writes and
``from_pretrained`` reads, so the names, too, are transformers' own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import transformers as tf
from safetensors.torch import load_file, save_file
from torch.nn.functional import layer_norm

sys.path.insert(0, str(Path(__file__).parent))
from _recorded import image, samples, weights

SWIN = dict(embed_dim=8, depths=[2, 2, 2, 2], num_heads=[1, 2, 4, 8])
VIT = dict(hidden_size=16, num_hidden_layers=3, num_attention_heads=2)
RESNET = dict(embedding_size=64, hidden_sizes=[64, 128, 256, 512], depths=[2, 2, 2, 2])


def record(kind: type, config: Any, side: int, parts: list[str]) -> dict[str, Any]:
    """Return the file's names with their shapes, and samples of what the parts return."""
    with tempfile.TemporaryDirectory() as folder:
        kind(config).save_pretrained(folder)
        file = f"{folder}/model.safetensors"
        shapes = {k: list(v.shape) for k, v in load_file(file).items() if v.is_floating_point()}
        save_file(weights(shapes), file, metadata={"format": "pt"})
        network = kind.from_pretrained(folder).double().eval()
        saved = network.state_dict()
    assert len(saved) >= len(shapes)
    found: list[list[float]] = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        output = output[0] if isinstance(output, tuple) else output
        if ".blocks." in names[module]:  # our encoder's fresh norm follows it
            output = layer_norm(output, output.shape[-1:])
        found.append(samples(output))

    names = {module: name for name, module in network.named_modules()}
    for part in parts:
        network.get_submodule(part).register_forward_hook(keep)
    network(image(side))
    return dict(shapes=shapes, side=side, parts=parts, maps=found)


def main() -> None:
    """Record each network."""
    dinov2 = dict(VIT, patch_size=32, image_size=224)
    stages = [f"stage{i}" for i in range(1, 5)]
    blocks = [f"encoder.layers.{i}.blocks.1" for i in range(3)]
    made = {
        "SwinForImageClassification": record(
            tf.SwinForImageClassification,
            tf.SwinConfig(**SWIN),
            224,
            [f"swin.{block}" for block in blocks] + ["swin.layernorm"],
        ),
        "SwinModel": record(tf.SwinModel, tf.SwinConfig(**SWIN), 224, [*blocks, "layernorm"]),
        "SwinBackbone": record(
            tf.SwinBackbone,
            tf.SwinConfig(**SWIN, out_features=stages),
            224,
            [f"hidden_states_norms.{stage}" for stage in stages],
        ),
        "ViTForImageClassification": record(
            tf.ViTForImageClassification,
            tf.ViTConfig(**VIT, intermediate_size=64, patch_size=32),
            224,
            ["vit.layernorm"],
        ),
        "Dinov2Model": record(tf.Dinov2Model, tf.Dinov2Config(**dinov2), 224, ["layernorm"]),
        "ResNetForImageClassification": record(
            tf.ResNetForImageClassification,
            tf.ResNetConfig(**RESNET, layer_type="basic"),
            96,
            [f"resnet.encoder.stages.{i}" for i in range(4)],
        ),
    }
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
