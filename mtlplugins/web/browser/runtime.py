"""Runtime of the page: files of onnxruntime-web in one version, checked by their sums."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "onnxruntime-web@1.30.0"
#: SHA-256 of each file; WebAssembly for any processor, which needs nothing of the server.
FILES = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": (
        "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b"
    ),
    "ort-wasm-simd-threaded.wasm": (
        "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2"
    ),
}


def read_runtime(package: str | Path | None = None) -> dict[str, bytes]:
    """Read the files of onnxruntime-web that a page needs.

    Args:
        package: The package as a ``.tgz``; None to get it with ``npm pack``.

    Returns:
        The content of each of ``FILES``.

    Raises:
        FileNotFoundError: There is no such file.
        RuntimeError: npm is missing or fails.
        ValueError: The package is damaged, or of another version.
    """
    if package is not None:
        return _read(Path(package))
    with tempfile.TemporaryDirectory() as folder:
        return _read(_pack(Path(folder)))


def _pack(folder: Path) -> Path:
    """Download the package into ``folder`` with npm, which runs nothing of it."""
    elsewhere = f"where npm is, run `npm pack {PACKAGE}`, and give its .tgz as --runtime"
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(
            f"npm, which fetches {PACKAGE} for the page, is not installed: {elsewhere}"
        )
    command = [npm, "pack", PACKAGE, "--ignore-scripts", "--fetch-retries=1"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = next(folder.glob("*.tgz"), None)
    if done.returncode or found is None:
        raise RuntimeError(f"npm pack {PACKAGE} failed; {elsewhere}\n{done.stderr.strip()}")
    return found


def _read(package: Path) -> dict[str, bytes]:
    wanted = {f"package/dist/{name}": name for name in FILES}
    found = {}
    try:
        with tarfile.open(package) as archive:
            for member in archive:
                if member.name in wanted and member.isfile():
                    content = archive.extractfile(member)
                    found[wanted[member.name]] = content.read() if content else b""
    except (tarfile.TarError, EOFError) as error:
        raise ValueError(f"{package} is no package of npm: give the .tgz of {PACKAGE}") from error
    for name, checksum in FILES.items():
        if hashlib.sha256(found.get(name, b"")).hexdigest() != checksum:
            raise ValueError(
                f"{package}: {name} is missing or not that of {PACKAGE}: give that version's .tgz"
            )
    return found
