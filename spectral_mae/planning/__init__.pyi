from .costs import TransformerSizes as TransformerSizes
from .difficulty import Difficulty as Difficulty
from .planned_setting import PlannedSetting as PlannedSetting
from .reference import Reference as Reference
from .result import Plan as Plan
