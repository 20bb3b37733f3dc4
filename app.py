"""The app: the server's own routes, page config and navigation over the files of explorer/pages; nothing else.

The server imports this file once and finds `app`; every visitor's session runs it as a script.
"""

from pathlib import Path

import streamlit as st
from streamlit.starlette import App

from explorer.pages._frame import ahead, frame, style
from explorer.pages._links import follow, name_of
from explorer.pages._presenting import asked, present
from explorer.pages._pressing import heeded
from explorer.pages._saving import share
from explorer.pages._signing import admitted

FIRST = {"map": ":material/scatter_plot:", "path": ":material/timeline:", "mix": ":material/tune:",
         "merge": ":material/merge:", "clusters": ":material/hive:", "region": ":material/bubble_chart:",
         "barriers": ":material/fence:", "compare": ":material/compare_arrows:",
         "surface": ":material/landscape:", "claims": ":material/fact_check:", "start_points": ":material/flag:",
         "stories": ":material/slideshow:", "jobs": ":material/checklist:", "catalog": ":material/inventory_2:"}
# Drawn here, because an icon named by emoji or symbol would be asked of a font server outside.
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
    '<path d="M8 23 23 9" stroke="#3553c4" stroke-width="3"/>'
    '<circle cx="8" cy="23" r="6" fill="#3553c4"/><circle cx="23" cy="9" r="6" fill="#d98a2b"/></svg>'
)
FOLDER = Path(__file__).parent / "explorer" / "pages"


def visit() -> None:
    """One run of the script for a visitor."""
    st.set_page_config(page_title="Weight-Space Explorer", page_icon=ICON, layout="wide")
    style()
    stems = sorted(f.stem for f in FOLDER.glob("[!_]*.py"))
    ordered = [*(s for s in FIRST if s in stems), *(s for s in stems if s not in FIRST)]
    pages = [
        st.Page(FOLDER / f"{s}.py", title=s.replace("_", " ").capitalize(), icon=FIRST.get(s), default=s == "map",
                visibility="hidden" if s == "glossary" else "visible") for s in ordered
    ]
    if not admitted():
        st.navigation(pages, position="hidden")
        return
    if (story := asked()) is not None:
        present(st.navigation(pages, position="hidden"), dict(zip(ordered, pages, strict=True)), story)
        return
    page = st.navigation(pages, position="top")
    ahead(page)
    with heeded(name_of(page)):
        follow(page)
        share(page)
        frame(page, ordered)


if __name__ == "__main__":
    visit()
else:
    from explorer.components import serving
    from explorer.pages._gate import gate
    from explorer.pages._returning import returning
    from explorer.pages._server import lifespan, routes

    app = App(__file__, routes=[*serving.routes(), *routes()], middleware=[*gate(), *returning()], lifespan=lifespan)
