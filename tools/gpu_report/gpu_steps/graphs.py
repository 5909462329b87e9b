"""Predictions replayed as CUDA graphs against plain ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from benchmarks.tables import Table
from benchmarks.timing import interleaved

from mtlplugins.models.inference.graphs import GraphedNetwork, capture_on_cuda
from mtlplugins.models.rows import AllRows

from .samples import batch, build, load
from .speed import machine_in
from .steps import Setting


def measure(setting: Setting, *, config: str, images: tuple[int, ...] = (1, 8)) -> Iterator[Table]:
    """Time the network of a config in bfloat16, and compare the logits of both ways."""
    cfg = load(config)
    model = build(cfg).to(setting.device).eval()
    capture = capture_on_cuda if setting.device == "cuda" else lambda run: (run(), lambda: None)
    rows = []
    with machine_in(setting, "bfloat16") as machine, torch.no_grad():
        for count in images:
            inputs = model.data_preprocessor(batch(cfg, model, count))["inputs"]
            asked = AllRows(model.tasks, count)
            ways = dict(plain=model.encode_decode)
            ways["CUDA graph"] = GraphedNetwork(model.encode_decode, capture)

            def predict(way: str, inputs=inputs, asked=asked, ways=ways) -> dict:
                with torch.autocast(setting.device, torch.bfloat16):
                    return ways[way](inputs, asked)

            wanted, found = predict("plain"), predict("CUDA graph")
            apart = max((found[t] - x).abs().max().item() for t, x in wanted.items())
            cases = {way: lambda way=way: predict(way) for way in ways}
            times = interleaved(cases, rounds=machine.rounds, wait=machine.wait)
            for way, spread in times.items():
                ratio = times["plain"].median / spread.median
                rows.append((count, way, spread, ratio, f"{apart:.1e}" if way != "plain" else "–"))
    yield Table(
        f"CUDA graphs, inference of {Path(config).stem}",
        ("images", "way", "ms (quartiles)", "times as fast as plain", "largest difference"),
        rows,
        "Encoder, decoders and heads of all tasks in bfloat16.",
    )
