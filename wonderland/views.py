"""Everything a view can be made of, for the authors of analyses: ``wl.views.Matrix.by_head({"Copying": estimate})``.

What each part holds stands in the reference, under Views.
"""

from wonderland.report.schema import *  # noqa: F403 - the names of the schema are the names here
from wonderland.report.schema import __all__ as __all__
