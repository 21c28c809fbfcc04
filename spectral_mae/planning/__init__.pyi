from .costs import TransformerSizes as TransformerSizes
from .difficulty import Difficulty as Difficulty
from .reference import Reference as Reference
from .result import Plan as Plan
from .result import PlannedSetting as PlannedSetting
