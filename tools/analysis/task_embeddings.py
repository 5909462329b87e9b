"""Compare a trained model's task embeddings, and score mixtures of them (thesis, section 4.5.7).

All tasks use the same mixture. Default mixtures: none (each task its own embedding), the mean, and
each task with 5 and 10 times the weight of the others; for two tasks, the six rows of table 4.15.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import matplotlib
from mmengine.config import Config

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.analysis.experiments import experiment_of
from mtlplugins.apis import (
    conditioned_embedding,
    cosine_similarities,
    load_config,
    mix,
    mixed_embedding,
    sweep,
)
from mtlplugins.common.arguments import add_cfg_options
from mtlplugins.common.markdown import markdown_table
from mtlplugins.engine import MultiTaskRunner
from mtlplugins.io.checkpoint import load_state, read_checkpoint

matplotlib.use("Agg")
from matplotlib import pyplot as plt

NONE = "No Weighting"


def parse_mixture(text: str, tasks: Sequence[str]) -> dict[str, float] | None:
    """Parse weights such as ``5-1``, in the order of ``tasks``; ``none`` is no mixture.

    Raises:
        ValueError: There is not one number per task.
    """
    if text == "none":
        return None
    try:
        weights = [float(number) for number in text.split("-")]
    except ValueError:
        weights = []
    if len(weights) != len(tasks):
        raise ValueError(
            f"--mixtures {text}: give one weight per task, joined by '-', in the order "
            f"{'-'.join(tasks)}, or 'none'"
        )
    return dict(zip(tasks, weights, strict=True))


def name_of(mixture: dict[str, float] | None) -> str:
    """Format a mixture as the thesis does."""
    return NONE if mixture is None else "-".join(f"{weight:g}" for weight in mixture.values())


def analyse(cfg: Config, checkpoint: str, mixtures: Sequence[str] | None = None) -> dict[str, Any]:
    """Compute the cosines of the embeddings, and test the model once with each mixture.

    Args:
        cfg: A config with a conditioned model, test data and metrics.
        checkpoint: Checkpoint of the model.
        mixtures: Mixtures such as ``5-1`` or ``none``; None for the default ones.

    Returns:
        ``tasks``; ``cosine``, a list of rows; ``scores``, by mixture and ``<task>/<metric>``.

    Raises:
        ValueError: The model is not conditioned, the checkpoint is of another architecture, or a
            mixture does not fit the tasks.
    """
    state, _ = read_checkpoint(checkpoint)
    cfg.load_from, cfg.resume = None, False  # or the runner would load it over the checkpoint
    runner = MultiTaskRunner.from_cfg(cfg)
    model = runner.model
    embedding = conditioned_embedding(model)
    load_state(model, state, checkpoint)
    if mixtures is None:
        asked = [None, *sweep(embedding.tasks)]
    else:
        asked = [parse_mixture(text, embedding.tasks) for text in mixtures]
    for mixture in filter(None, asked):
        mix(embedding, mixture)  # refuses a wrong mixture before the first test
    scores = {}
    for mixture in asked:
        with nullcontext() if mixture is None else mixed_embedding(model, mixture):
            scores[name_of(mixture)] = dict(runner.test())
    cosine = cosine_similarities(embedding).tolist()
    return dict(tasks=list(embedding.tasks), cosine=cosine, scores=scores)


def draw_cosines(tasks: Sequence[str], cosine: Sequence[Sequence[float]], file: Path) -> None:
    """Draw the cosines as a heat map."""
    side = 1.5 + 0.9 * len(tasks)
    figure, axes = plt.subplots(figsize=(side + 1, side), layout="constrained")
    image = axes.imshow(cosine, cmap="RdBu_r", vmin=-1, vmax=1)
    axes.set_xticks(range(len(tasks)), tasks, rotation=45, ha="right")
    axes.set_yticks(range(len(tasks)), tasks)
    for i, row in enumerate(cosine):
        for j, value in enumerate(row):
            colour = "white" if abs(value) > 0.6 else "black"
            axes.text(j, i, f"{value:.3f}", ha="center", va="center", color=colour)
    axes.set_title("cosine of task embeddings")
    figure.colorbar(image)
    figure.savefig(file, dpi=150)
    plt.close(figure)


def markdown(
    result: dict[str, Any], metrics: Sequence[str], published: Mapping[str, Mapping[str, float]]
) -> str:
    """Format a table of the scores, beside the published ones (by mixture and metric), if any."""
    head = [f"mixture {'-'.join(result['tasks'])}"]
    for metric in metrics:
        head += [metric, f"thesis {metric}"] if published else [metric]
    lines = []
    for name, scores in result["scores"].items():
        line = [name]
        for metric in metrics:
            line.append(f"{scores[metric]:.4g}")
            if published:
                line.append(f"{published[name][metric]:.4g}" if name in published else "")
        lines.append(line)
    return markdown_table(head, lines, right=True)


def main() -> None:
    """Write the heat map and the scores of a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", help="config file")
    parser.add_argument("checkpoint", help="checkpoint file")
    parser.add_argument("--out", help="folder of the results; by default beside CHECKPOINT")
    parser.add_argument(
        "--mixtures",
        nargs="+",
        metavar="WEIGHTS",
        help="one weight per task in the model's order, such as 5-1 or 1-0-2; or none",
    )
    parser.add_argument("--metrics", nargs="+", help="metrics in the table; all by default")
    add_cfg_options(parser)
    args = parser.parse_args()
    cfg = load_config(args.config, args.cfg_options)
    out = Path(args.out or Path(args.checkpoint).parent / "task_embeddings")
    cfg.work_dir = str(out / "log")
    result = analyse(cfg, args.checkpoint, args.mixtures)
    # the thesis has mixtures for its own network, data and tasks only
    thesis = experiment_of(cfg).get("mixtures") or {}
    published = thesis["scores"] if result["tasks"] == thesis.get("tasks") else {}
    if published:
        result |= dict(thesis=published, thesis_cosine=thesis["cosine"])
    out.mkdir(parents=True, exist_ok=True)
    (out / "task_embeddings.json").write_text(json.dumps(result, indent=1))
    draw_cosines(result["tasks"], result["cosine"], out / "task_embeddings.png")
    every = list(next(iter(result["scores"].values())))
    metrics = args.metrics or (list(published[NONE]) if published else every)
    if unknown := sorted(set(metrics) - set(every)):
        raise ValueError(f"--metrics {unknown[0]}: not scored; scored are: {', '.join(every)}")
    print(f"\n{markdown(result, metrics, published)}\n")
    for i, task in enumerate(result["tasks"]):
        for j, other in enumerate(result["tasks"][:i]):
            beside = f" (thesis {thesis['cosine']})" if published else ""
            print(f"cosine of {other} and {task}: {result['cosine'][i][j]:.4f}{beside}")
    print(f"heat map and JSON: {out}")


if __name__ == "__main__":
    main()
