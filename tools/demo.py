"""Train a small conditional Swin on rendered rooms, test it, draw panels: `make demo`."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from analysis.blind_baseline import score_config
from mmengine.config import Config
from prettytable import PrettyTable

import mtlplugins  # noqa: F401, registers the modules
from mtlplugins.apis import MultiTaskInferencer, load_config
from mtlplugins.engine import MultiTaskRunner
from mtlplugins.web.browser import write_page

CONFIG = Path(__file__).parents[1] / "configs/rooms/demo.py"
WORK_DIR = Path("work_dirs/demo")


def main() -> None:
    """Train, test, compare with the blind baseline, and write panels."""
    start = time.time()
    cfg = load_config(str(CONFIG))
    cfg.work_dir = str(WORK_DIR)
    shutil.rmtree(WORK_DIR, ignore_errors=True)
    cfg.default_hooks.visualization = dict(
        type="MultiTaskVisualizationHook",
        draw=True,
        interval=25,
        show_dir=str((WORK_DIR / "panels").absolute()),
    )
    scored = cfg.copy()
    # validation at the end of the training would repeat the test
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    runner = MultiTaskRunner.from_cfg(cfg)
    runner.train()
    scores = runner.test()
    print("Scoring the blind baseline, which sees no pixels ...")
    blind = score_config(scored, train_images=400)

    table = PrettyTable(["200 unseen rooms", "model", "blind"], align="r")
    for name in ("semantic/mIoU", "semantic/aAcc", "depth/d1", "depth/abs_err"):
        table.add_row([name, f"{scores[name]:.3f}", f"{blind[name]:.3f}"])
    print(table)
    print("blind: most frequent class and median depth at each position")
    panel = next((WORK_DIR / "panels").glob("*.png"))
    checkpoint = WORK_DIR / f"epoch_{cfg.train_cfg.max_epochs}.pth"
    print(f"checkpoint: {checkpoint}")
    print(f"panels of ground truth and prediction: {panel.parent}, for example {panel.name}")
    print(write_demo_page(scored, checkpoint))
    print(f"took {time.time() - start:.0f} s")


def write_demo_page(cfg: Config, checkpoint: Path) -> str:
    """Write a page that predicts in the browser, and say where, or why there is none."""
    page = WORK_DIR / "page"
    try:
        inferencer = MultiTaskInferencer(cfg, checkpoint, device="cpu")
        write_page(inferencer, cfg, page, embedding_input=True)
    except RuntimeError as error:  # without npm, or without a network
        return f"no page for the browser: {error}"
    return f"page for the browser: python -m http.server -d {page}"


if __name__ == "__main__":
    main()
