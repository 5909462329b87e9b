"""Files: atomic writes, integrity checks, checkpoints and safe unpickling."""
