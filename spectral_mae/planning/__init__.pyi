from .costs import TransformerSizes as TransformerSizes
from .difficulty import Difficulty as Difficulty
from .plan import Plan as Plan
from .plan import PlannedSetting as PlannedSetting
from .reference import Reference as Reference
