"""Train from shards on an HTTP server and in an S3 bucket, and compare with those in a folder.

    python requirements/remote_shards.py    # `make test-remote-shards`

fsspec's HTTP and S3 file systems, a web server and a stand-in for S3 are installed into a new
environment in a temporary folder, which sees the pinned one (--base, .venv by default). A small
model is trained with two workers from each place; the weights must be the same, bit by bit. Each
place is also read beyond its end, without its index, and from a server that ignores ranges. The
exit status is 1 if anything is not as it should be.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compat import ROOT, Factor, make_environment
from trackers import weights

PACKAGES = ("fsspec[http]", "fsspec[s3]", "moto[server]", "starlette", "uvicorn")
ONE_KIND = ("fsspec", "starlette", "uvicorn")  # pinned, to be replaced by what fits the others

#: Seven images, two of them partly labelled, as shards of a few images each.
SHARDS = """
from pathlib import Path
from mtlplugins.datasets import NYUv2Dataset
from mtlplugins.datasets.shards import write_shards
from tests._data import make_nyuv2
root = make_nyuv2(Path("nyuv2"), frames=7, test=[], size=(48, 64))
(root / "depth" / "0002.png").unlink()
(root / "semantic13" / "0005.png").unlink()
write_shards(NYUv2Dataset(str(root), ann_file="splits/train.txt"), Path("shards"), shard_bytes=9000)
"""
CONFIG = """
_base_ = "mtlplugins::rooms/demo.py"
train_dataloader = dict(
    batch_size=2,
    num_workers=2,
    dataset=dict(
        _delete_=True,
        type="ShardDataset",
        data_root="shards",
        targets=dict(
            semantic=dict(type="LabelMap", classes=[f"class {n}" for n in range(14)]),
            depth=dict(type="DepthMap", unit=0.001),
        ),
        pipeline=[
            dict(type="LoadMultiTaskImage"),
            dict(type="LoadTargets"),
            dict(type="MultiTaskRandomResizedCrop", scale=32),
            dict(type="PackMultiTask"),
        ],
    ),
)
val_dataloader = dict(num_workers=0, persistent_workers=False, dataset=dict(length=4))
"""
TRAIN = "from mtlplugins.apis.train import main\nmain()\n"
#: A web server of the current folder; one that knows no ranges below /whole.
SERVER = """
import sys
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
import uvicorn
def whole(request):
    return Response(open("shards/" + request.path_params["name"], "rb").read())
routes = [Route("/whole/{name}", whole), Mount("/", StaticFiles(directory="."))]
uvicorn.run(Starlette(routes=routes), port=int(sys.argv[1]), log_level="error")
"""
S3 = """
import sys
from moto.server import ThreadedMotoServer
ThreadedMotoServer(port=int(sys.argv[1]), verbose=False).start()
import threading
threading.Event().wait()
"""
UPLOAD = """
import s3fs
from pathlib import Path
system = s3fs.S3FileSystem()
system.mkdir("bucket")
for file in Path("shards").iterdir():
    system.put(str(file), f"bucket/shards/{file.name}")
system.put("shards/000000.tar", "bucket/bare/000000.tar")
"""
#: Print the error of a data set that is built and of its first image.
OPEN = """
import sys
import mtlplugins
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS
init_default_scope("mmseg")
config = Config.fromfile("config.py").train_dataloader.dataset
config.data_root = sys.argv[1]
try:
    DATASETS.build(config)[0]
except Exception as error:
    print(type(error).__name__, error)
"""


def main(arguments: list[str]) -> int:
    """Train from each place and print the table; 1 if something differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", type=Path, default=ROOT / ".venv", help="pinned environment")
    args = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="mtlplugins-shards-") as folder:
        room = Path(folder)
        factor = Factor("shards", without=ONE_KIND, install=PACKAGES)
        python = make_environment(factor, args.base.absolute(), room, None)
        work = room / "work"
        work.mkdir()
        (work / "config.py").write_text(CONFIG)
        _run(python, work, SHARDS)
        with _serving(python, work, SERVER) as web, _serving(python, work, S3) as store:
            os.environ.update(
                AWS_ENDPOINT_URL=store,
                AWS_ACCESS_KEY_ID="none",
                AWS_SECRET_ACCESS_KEY="none",
                AWS_DEFAULT_REGION="us-east-1",
            )
            _run(python, work, UPLOAD)
            return int(_compare(python, work, web))


def _compare(python: Path, work: Path, web: str) -> bool:
    """Print what each place gives; return whether anything is wrong."""
    places = {"a folder": "shards", "HTTP": f"{web}/shards", "S3": "s3://bucket/shards"}
    print("| shards in | weights | seconds |\n|---|---|---|")
    expected, failed = "", False
    for name, place in places.items():
        began = time.monotonic()
        out = f"run_{name.split()[-1]}"
        _run(python, work, TRAIN, "config.py", "--work-dir", out, "--cfg-options",
             f"train_dataloader.dataset.data_root={place}")  # fmt: skip
        (work / "run").unlink(missing_ok=True)
        (work / "run").symlink_to(out)
        found = weights(work)
        expected = expected or found
        failed |= found != expected
        words = "the same" if found == expected else "OTHERS"
        print(f"| {name} | {words} | {time.monotonic() - began:.0f} |", flush=True)
    errors = {
        f"{web}/nothing": "FileNotFoundError no ",
        f"{web}/whole": "ignores ranges",
        "s3://bucket/bare": "FileNotFoundError no s3://bucket/bare/index.npz",
    }
    for place, words in errors.items():
        said = _run(python, work, OPEN, place)
        failed |= words not in said
        print(f"{place}: {said.strip()}")
    return failed


def _run(python: Path, work: Path, code: str, *arguments: str) -> str:
    """Run code in the folder `work` and return what it prints."""
    done = subprocess.run(
        [python, "-c", code, *arguments],
        cwd=work,
        env=_environment(work),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        sys.exit(f"{code}\nfailed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


@contextmanager
def _serving(python: Path, work: Path, code: str) -> Iterator[str]:
    """Run a server until the end of the block; return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-c", code, str(port)]
    log = (work / f"{port}.log").open("w")
    server = subprocess.Popen(command, cwd=work, env=_environment(work), stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(100):
            time.sleep(0.3)
            try:
                urllib.request.urlopen(address, timeout=5)
            except urllib.error.HTTPError:
                break  # it is there, and has no page of this name
            except OSError:
                continue
            break
        else:
            sys.exit(f"no server at {address} after 30 s")
        yield address
    finally:
        server.terminate()
        server.wait()


def _environment(work: Path) -> dict[str, str]:
    """The variables of a run: this tree's package, one thread, a home of its own."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": str(work)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
