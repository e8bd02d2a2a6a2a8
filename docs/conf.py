"""How the documentation is built: `python -m sphinx -W docs build/docs`. Offline; the notebooks are executed."""

import os
import re
import tempfile
from pathlib import Path

from sphinx.application import Sphinx

import wizframe

HERE = Path(__file__).parent
# The notebooks push, but not into the journal of the user who builds this.
os.environ["WIZFRAME_STATE_DIR"] = tempfile.mkdtemp(prefix="wizframe-docs-")
(HERE / "notebooks").mkdir(exist_ok=True)
for notebook in (HERE.parent / "notebooks").glob("*.ipynb"):  # from there, docs/ is the parent folder
    text = notebook.read_text("utf-8").replace("](../docs/", "](../")
    (HERE / "notebooks" / notebook.name).write_text(text, "utf-8")

project = "wizframe"
author = "The wizframe maintainers"
copyright = "The wizframe maintainers"  # noqa: A001 - Sphinx's own name
version = release = wizframe.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["build", "**/.ipynb_checkpoints"]
myst_enable_extensions = ["attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
nb_ipywidgets_js = {}  # nothing is fetched when a page is read
autodoc_typehints = "none"  # the docstrings say more
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_custom_sections = [("Source", "notes_style"), ("Yields", "returns_style"), ("Warns", "returns_style")]

html_theme = "furo"
pygments_dark_style = "github-dark"  # the default underlines names of modules, as if they were links
html_title = f"wizframe {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False


def adapted(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Adapt a page of the repository to the site.

    In the site, the notebooks are inside the folder of pages, and a picture is as light or dark as the page.
    """
    text = re.sub(r"\]\(((\.\./)*)\.\./notebooks/", r"](\1notebooks/", source[0])
    for name in {path.stem.removesuffix("-dark") for path in (HERE / "pictures").glob("*-dark.png")}:
        picture = re.compile(rf"(!\[[^\]]*\]\([./]*pictures/{name})-light\.png\)")
        text = picture.sub(r"\1-light.png){.only-light} \1-dark.png){.only-dark}", text)
    source[0] = text


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", adapted)
