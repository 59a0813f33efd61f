"""Sphinx's settings for the site; `tools.website` lays the pages beside a copy of this file and runs it."""

from tools import website

project = "Inside a CNN"
author = "The authors of Inside a CNN"
project_copyright = "the authors; text and pictures CC BY 4.0, code MIT"
extensions = ["sphinx.ext.autodoc", "myst_nb", "tools.sphinx_parts"]

html_theme = "furo"
html_title = "Inside a CNN"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#12255c", "color-brand-content": "#1f5a94"},
    "dark_css_variables": {"color-brand-primary": "#a8ccff", "color-brand-content": "#7db8ff"},
    "source_repository": website.lesson.repository(),
}
pygments_style, pygments_dark_style = (
    "a11y-high-contrast-light",
    "github-dark",
)  # its letters stand out enough

nb_execution_mode = "off"  # the lessons' outputs are committed
nb_merge_streams = True
nb_code_prompt_show, nb_code_prompt_hide = "The setup", "Fold the setup"  # the only code that is folded
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

linkcheck_anchors = False  # `make links`: many pages make theirs by scripts
linkcheck_timeout, linkcheck_retries, linkcheck_rate_limit_timeout = 30, 3, 60

default_role = "code"
add_module_names = False
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
toc_object_entries = False
