"""What the exercises of the lessons ask.

Right answers are computed by functions of the package, so that no file holds their numbers.

- `masks`: lessons 5 and 8, on spectra under masks and on designs of masks.
- `models`: lessons 3, 4, 6 and 7, on linear models and trained ones.
- `question`: one question, and the comparison of an answer with the right one.
- `spectra`: lessons 0 to 2, on spectra of waves, masks and images.
"""

from spectral_mae.lessons.questions.masks import MASKS
from spectral_mae.lessons.questions.models import MODELS
from spectral_mae.lessons.questions.question import Question
from spectral_mae.lessons.questions.spectra import SPECTRA

QUESTIONS: dict[str, Question] = dict(sorted((SPECTRA | MODELS | MASKS).items()))

__all__ = ["QUESTIONS"]
