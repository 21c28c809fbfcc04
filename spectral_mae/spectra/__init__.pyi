from .octaves import octave_edges as octave_edges
from .octaves import octave_names as octave_names
from .periodogram import Periodogram as Periodogram
from .periodogram import psd as psd
from .rings import RadialSpectrum as RadialSpectrum
from .sectors import SectorSpectrum as SectorSpectrum
from .segments import welch as welch
from .spectrum import Spectrum as Spectrum
