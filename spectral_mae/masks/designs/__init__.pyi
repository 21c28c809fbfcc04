from .blocks import block as block
from .patterns import from_masks as from_masks
from .uniform import bernoulli as bernoulli
from .uniform import fixed as fixed
