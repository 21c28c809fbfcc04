from .averages import RadialCrossSpectrum as RadialCrossSpectrum
from .averages import SectorCrossSpectrum as SectorCrossSpectrum
from .comparison import SpectraComparison as SpectraComparison
from .comparison import compare_spectra as compare_spectra
from .distance import log_spectral_distance as log_spectral_distance
from .spectrum import CrossSpectrum as CrossSpectrum
from .spectrum import cross_spectrum as cross_spectrum
