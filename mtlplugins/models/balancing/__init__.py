"""Loss balancing: methods that weight the losses of the tasks in a training step."""

from .aggregators import (
    IMTLG,
    MGDA,
    AlignedMTL,
    ConFIG,
    DualProj,
    PCGrad,
    UPGrad,
)
from .base import Balancing
from .cagrad import CAGrad
from .dwa import DWA
from .fairness import FairGrad, NashMTL
from .famo import FAMO
from .fixed import Fixed
from .geometric import Geometric
from .grad_drop import GradDrop
from .grad_norm import GradNorm
from .gradient_balancing import GradientBalancing
from .log import Log
from .loss_balancing import LossBalancing
from .random import Random
from .stch import STCH
from .uncertainty import Uncertainty
from .uw_so import UWSO

#: Values of ``model.balancing.type``.
METHODS = (
    "Fixed",
    "Geometric",
    "Log",
    "UWSO",
    "DWA",
    "FAMO",
    "Random",
    "STCH",
    "Uncertainty",
    "AlignedMTL",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "FairGrad",
    "GradDrop",
    "GradNorm",
    "IMTLG",
    "MGDA",
    "NashMTL",
    "PCGrad",
    "UPGrad",
)

__all__ = [
    "DWA",
    "FAMO",
    "IMTLG",
    "METHODS",
    "MGDA",
    "STCH",
    "UWSO",
    "AlignedMTL",
    "Balancing",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "FairGrad",
    "Fixed",
    "Geometric",
    "GradDrop",
    "GradNorm",
    "GradientBalancing",
    "Log",
    "LossBalancing",
    "NashMTL",
    "PCGrad",
    "Random",
    "UPGrad",
    "Uncertainty",
]
