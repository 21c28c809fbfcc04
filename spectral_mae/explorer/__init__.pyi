from .page import ExploreResult as ExploreResult
from .page import explore_images as explore_images
