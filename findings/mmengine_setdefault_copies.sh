#!/usr/bin/env bash
# What `setdefault` of a config returns is not what it stored.
#
# mmengine 0.10.7. For a key that is not there, ConfigDict.setdefault stores the default as a ConfigDict and returns the
# dictionary that it was given, so `cfg.setdefault("test_cfg", {})["fp16"] = True` changes nothing, silently. Where the
# key is there, the same line works: a script is right with one config and has no effect with another.
# Seen:
#   mmengine 0.10.7
#   without the key: {'default_hooks': {}}
#   with the key: {'default_hooks': {'timer': None}}
# Exit status 1 where that has become different.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install -q mmengine-lite==0.10.7 packaging
"$folder/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from mmengine.config import Config

print("mmengine", version("mmengine-lite"))
found = []
for title, content in (("without the key", {}), ("with the key", {"default_hooks": {}})):
    cfg = Config(content)
    cfg.setdefault("default_hooks", {})["timer"] = None
    found.append(cfg.to_dict())
    print(f"{title}: {found[-1]}")
sys.exit(found != [{"default_hooks": {}}, {"default_hooks": {"timer": None}}])
PYTHON
