"""Argument checks and their messages, and the values that options may take.

Each check takes the name of an argument and its value. It returns the value in the type that the
package computes with, or raises TypeError for a value of the wrong type and ValueError for one out
of range. The message shows the name and the value, abbreviated where it is long. Arguments are
checked once, in the public functions.

A truth value is not a number, a float is not an integer, and NaN and infinity are not values that
an option may have: Python and NumPy would take them silently for something else.

- `arrays`: arrays of numbers and masks.
- `axes`: shapes, numbers for each axis, and the axis of the channels.
- `kinds`: kinds of arrays, such as tensors.
- `messages`: values as text.
- `options`: words, flags, paths, sequences and functions.
- `scalars`: single numbers.
- `visible`: images of which a part is hidden.
"""

from spectral_mae._checks.arrays import (
    LARGEST_SQUARED,
    SMALLEST_SQUARED,
    BoolArray,
    ByteArray,
    ComplexArray,
    FloatArray,
    all_finite,
    bool_mask,
    numeric_array,
    plain_array,
    real_array,
    real_pixels,
    squarable,
    squarable_array,
    sum_of_squares,
)
from spectral_mae._checks.axes import (
    AXES,
    THREE,
    axis_of_channels,
    channels_last,
    grid_shape,
    image_of_patches,
    images_of_patches,
    one_image,
    patch_size,
    per_axis,
    sampling_rates,
)
from spectral_mae._checks.kinds import (
    is_chunked,
    is_data_array,
    is_tensor,
    namespace,
    outline,
    to_numpy,
)
from spectral_mae._checks.messages import (
    brief,
)
from spectral_mae._checks.options import (
    Backend,
    Detrend,
    NaN,
    Planner,
    Rounding,
    Sampling,
    Scaling,
    choice,
    flag,
    for_kind,
    function,
    items,
    keyword_only,
    needed,
    path,
    run_seed,
)
from spectral_mae._checks.scalars import (
    PerAxis,
    bounded_number,
    closed_unit,
    integer,
    integers,
    limit,
    non_negative_number,
    open_unit,
    positive_int,
    positive_number,
    real_number,
)
from spectral_mae._checks.visible import (
    Visible,
    both,
    expect_finite,
    expect_known,
    masked_numbers,
    one_visible_of,
    says_finite,
    seen_numbers,
    some_seen,
    visible_of,
    weights,
    without_axis,
)

__all__ = [
    "AXES",
    "LARGEST_SQUARED",
    "SMALLEST_SQUARED",
    "THREE",
    "Backend",
    "BoolArray",
    "ByteArray",
    "ComplexArray",
    "Detrend",
    "FloatArray",
    "NaN",
    "PerAxis",
    "Planner",
    "Rounding",
    "Sampling",
    "Scaling",
    "Visible",
    "all_finite",
    "axis_of_channels",
    "bool_mask",
    "both",
    "bounded_number",
    "brief",
    "channels_last",
    "choice",
    "closed_unit",
    "expect_finite",
    "expect_known",
    "flag",
    "for_kind",
    "function",
    "grid_shape",
    "image_of_patches",
    "images_of_patches",
    "integer",
    "integers",
    "is_chunked",
    "is_data_array",
    "is_tensor",
    "items",
    "keyword_only",
    "limit",
    "masked_numbers",
    "namespace",
    "needed",
    "non_negative_number",
    "numeric_array",
    "one_image",
    "one_visible_of",
    "open_unit",
    "outline",
    "patch_size",
    "path",
    "per_axis",
    "plain_array",
    "positive_int",
    "positive_number",
    "real_array",
    "real_number",
    "real_pixels",
    "run_seed",
    "sampling_rates",
    "says_finite",
    "seen_numbers",
    "some_seen",
    "squarable",
    "squarable_array",
    "sum_of_squares",
    "to_numpy",
    "visible_of",
    "weights",
    "without_axis",
]
