"""Loss balancing: methods that weight the losses of the tasks in a training step."""

from .aggregators import (
    IMTLG,
    MGDA,
    AlignedMTL,
    ConFIG,
    DualProj,
    FairGrad,
    GradDrop,
    PCGrad,
    UPGrad,
)
from .base import Balancing
from .dwa import DWA
from .famo import FAMO
from .fixed import Fixed
from .geometric import Geometric
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
    "ConFIG",
    "DualProj",
    "FairGrad",
    "GradDrop",
    "IMTLG",
    "MGDA",
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
    "ConFIG",
    "DualProj",
    "FairGrad",
    "Fixed",
    "Geometric",
    "GradDrop",
    "GradientBalancing",
    "Log",
    "LossBalancing",
    "PCGrad",
    "Random",
    "UPGrad",
    "Uncertainty",
]
