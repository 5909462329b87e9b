"""Batch augmentation on the model's device, for image-level tasks.

The targets of image-level tasks do not move with the pixels. The random numbers of an image depend
on its draw alone, so the result is deterministic: independent of the batch, the number of workers
and ranks, and of what ran before.
"""

from __future__ import annotations

import numpy as np
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from mtlplugins.common.randomness import uniform


class BatchAugmentation(nn.Module):
    """Base class of the batch augmentations.

    Attributes:
        numbers: Number of random numbers per image.
    """

    numbers: int

    def forward(self, images: Tensor, draws: np.ndarray, stream: int) -> Tensor:
        """Augment normalised images.

        Args:
            images: (B, C, H, W).
            draws: Seed and number of each image's draw (B, 2).
            stream: Index in the list of augmentations; gives each one random numbers of its own.

        Returns:
            (B, C, H, W).
        """
        numbers = uniform(draws, stream=stream, count=self.numbers)
        return self.apply_to(images, torch.from_numpy(numbers).to(images.device))

    def apply_to(self, images: Tensor, numbers: Tensor) -> Tensor:
        """Augment with random ``numbers`` (B, ``self.numbers``), uniform in [0, 1)."""
        raise NotImplementedError


@MODELS.register_module()
class BatchRandomFlip(BatchAugmentation):
    """Flip images horizontally.

    Args:
        prob: Probability of a flip.
    """

    numbers = 1

    def __init__(self, prob: float = 0.5) -> None:
        super().__init__()
        self.prob = prob

    def apply_to(self, images: Tensor, numbers: Tensor) -> Tensor:
        chosen = (numbers[:, 0] < self.prob)[:, None, None, None]
        return torch.where(chosen, images.flip(-1), images)


@MODELS.register_module()
class BatchRandomShift(BatchAugmentation):
    """Shift images by up to ``padding`` pixels in each direction and fill with 0, the mean colour.

    The same as zero padding and a random crop (He et al. 2016, section 4.2).

    Args:
        padding: Largest shift in pixels.
    """

    numbers = 2

    def __init__(self, padding: int = 4) -> None:
        super().__init__()
        self.padding = padding

    def apply_to(self, images: Tensor, numbers: Tensor) -> Tensor:
        count, _, height, width = images.shape
        padded = F.pad(images, (self.padding,) * 4)
        offsets = (numbers * (2 * self.padding + 1)).long()  # (B, 2)
        rows = offsets[:, :1] + torch.arange(height, device=images.device)  # (B, H)
        columns = offsets[:, 1:] + torch.arange(width, device=images.device)  # (B, W)
        which = torch.arange(count, device=images.device)[:, None, None]
        # indices on both sides of the slice put the channels last
        picked = padded[which, :, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
        return picked.permute(0, 3, 1, 2).contiguous()


@MODELS.register_module()
class BatchRandomErase(BatchAugmentation):
    """Set a square to 0, the mean colour (DeVries & Taylor 2017, https://arxiv.org/abs/1708.04552).

    Args:
        side: Side of the square in pixels. Its centre is uniform over the image, so part of the
            square may lie outside.
        prob: Probability of erasing.
    """

    numbers = 3

    def __init__(self, side: int = 8, prob: float = 1.0) -> None:
        super().__init__()
        self.side = side
        self.prob = prob

    def apply_to(self, images: Tensor, numbers: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        sizes = torch.tensor([height, width], device=images.device)
        starts = (numbers[:, :2] * sizes).long() - self.side // 2  # (B, 2)
        rows = torch.arange(height, device=images.device) - starts[:, :1]  # (B, H)
        columns = torch.arange(width, device=images.device) - starts[:, 1:]  # (B, W)
        hidden = ((rows >= 0) & (rows < self.side))[:, :, None]
        hidden = hidden & ((columns >= 0) & (columns < self.side))[:, None, :]
        hidden = hidden & (numbers[:, 2] < self.prob)[:, None, None]
        return images.masked_fill(hidden[:, None], 0.0)
