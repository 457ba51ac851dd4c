"""How the documentation is built: offline, without training anything, every warning an error.

    sphinx-build -W -b html docs build/docs

The reference and the pages on how to read each view are written from the code by ``generate.py`` when a build begins,
so that they cannot fall behind it. The scripts of the findings are shown, not run: what they printed, on which model
and with which command, is recorded in ``findings/`` by ``record_findings.py``.
"""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

# The reference speaks of our own plugins, whatever else is installed here.
os.environ.setdefault("WONDERLAND_PLUGINS", "circuits,exports,imessage,triage,weights")
for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ.setdefault(name, "1")

import generate  # noqa: E402

import wonderland  # noqa: E402
from wonderland.views import Node, fields_of  # noqa: E402

project = "wonderland"
author = "the wonderland authors"
project_copyright = "the wonderland authors; MIT"
version = release = wonderland.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_gallery.gen_gallery"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["generated", "decisions/README.md", "findings/scripts/*.py", "**/GALLERY_HEADER.rst"]
nitpicky = True
# What is not ours, or not for plugins, has no page here, and there is no network to look it up in.
nitpick_ignore_regex = [
    ("py:.*", r"wonderland\.report\.schema\..*"),  # known by their public names, wonderland.views
    ("py:.*", r"(?!wonderland\.(errors|hookspecs|lab|report|testing|tokenizer)\.[^_]).*"),
    ("py:class", r"wonderland\.lab\.\w+\.(R|R_co|_Subject)"),  # type variables and a private protocol
]
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
default_role = "code"  # docstrings name things in single backticks

autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

sphinx_gallery_conf = {
    "examples_dirs": [str(HERE.parent / "examples")],
    "gallery_dirs": ["findings/scripts"],
    "plot_gallery": "False",
    "filename_pattern": r"^$",
    "ignore_pattern": r"(__init__|conftest)\.py",
    "image_scrapers": (),
    "reset_modules": (),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "write_computation_times": False,
    "nested_sections": False,
    "notebook_extensions": set(),
    "remove_config_comments": True,
}

html_theme = "furo"
html_title = f"wonderland {version}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False


def _short_signature(app, what, name, obj, options, signature, returned):
    """Show the fields of a part of a view by their names: what each holds stands beside it, in words."""
    if not (isinstance(obj, type) and issubclass(obj, Node)):
        return None
    return "(" + ", ".join(one.name if one.required else f"{one.name}=…" for one in fields_of(obj)) + ")", None


def setup(app):
    """Write the generated pages before any source is read."""
    app.connect("autodoc-process-signature", _short_signature)
    app.connect("builder-inited", lambda app: generate.write(Path(app.srcdir) / "generated"))
