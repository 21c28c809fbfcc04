from . import designs as designs
from .designs.design import MaskDesign as MaskDesign
from .patches import PatchGrid as PatchGrid
from .patches import inclusion_probabilities as inclusion_probabilities
from .pulse_mask import PulseMask as PulseMask
from .pulse_mask import sample_visible as sample_visible
from .pulses import dirichlet_kernel as dirichlet_kernel
from .tapers import taper_edges as taper_edges
