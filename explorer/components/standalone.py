"""Views as one HTML file that needs no network and no server: the app's own map and curve, and what they draw.

α is dragged in it as in the app; what was not measured stays unmeasured. The file holds plotly.js, the component's
files, and coordinates and curves as data; its content policy forbids it to ask anybody for anything.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explorer import settings
from explorer.components import serving

_MODULES = ("dom", "alpha", "store", "plotly", "mixtures", "map", "curve")
"""Files of the component in an order in which none comes before one that it needs."""
_POLICY = ("default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
           "img-src data: blob:; worker-src blob:")


@dataclass(frozen=True)
class Slide:
    """One view: a title and a note, a map, a curve, or other figures, all as plotly's JSON.

    `trail` is {"alphas", "places"} of the path on the map, `curve` what `component_curve` is given ({"figure", "curve",
    "path", "alpha", "low", "high", "label", "words"}). Marker and slider move together.
    """

    title: str
    note: str = ""
    map: str | None = None
    trail: Mapping[str, Any] | None = None
    curve: Mapping[str, Any] | None = None
    figures: Sequence[str] = ()
    colours: Mapping[str, str] | None = None
    """Those of the page for this view, where its figures were drawn for another look than the others'."""


def standalone(slides: Sequence[Slide], *, title: str = "", colours: Mapping[str, str]) -> str:
    """The HTML file of some views; arrow keys and buttons turn the pages where there are several.

    `colours` are those of the page: paper, text, quiet, accent, line.
    """
    views = json.dumps([vars(slide) | {"figures": list(slide.figures), "most": settings.WEBGL_FROM,
                                       "colours": _named(slide.colours or colours)} for slide in slides],
                       ensure_ascii=False)
    named = {**_named(colours), "--st-font": '"Source Sans", "Noto Sans", "Liberation Sans", sans-serif'}
    style = ":root {" + "".join(f"{name}: {value};" for name, value in named.items()) + "}"
    sheets = "\n".join([style, (serving.BROWSER / "explorer.css").read_text(encoding="utf-8"), _text("page.css")])
    plotly = serving.PLOTLY.read_text(encoding="utf-8").replace("</script", "<\\/script")
    return "\n".join([
        "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{html.escape(title or (slides[0].title if slides else 'View'))}</title>",
        f"<style>{sheets}</style>",
        "</head><body><main></main>",
        # a script's end, or the start of a comment, in the data would end the data
        f'<script type="application/json" id="views">{views.replace("<", chr(92) + "u003c")}</script>',
        f"<script>{plotly}</script>", f"<script>{bundle()}\n{_text('page.js')}</script>", "</body></html>"])


def _named(colours: Mapping[str, str]) -> dict[str, str]:
    """Colours under the names by which the component's styles know them."""
    return {"--st-primary-color": colours["accent"], "--st-background-color": colours["paper"],
            "--st-text-color": colours["text"], "--st-secondary-background-color": colours["line"],
            "--st-border-color": colours["line"], "--st-quiet": colours["quiet"]}


def bundle() -> str:
    """The component's modules as one classic script: a file opened from disk may not import others."""
    parts = ["const modules = {};"]
    for name in _MODULES:
        text = (serving.BROWSER / f"{name}.js").read_text(encoding="utf-8")
        text = re.sub(r'^import \{([^}]*)\} from "\./(\w+)\.js";$',
                      lambda m: f"const {{{m[1].replace(' as ', ': ')}}} = modules.{m[2]};", text, flags=re.MULTILINE)
        public = re.findall(r"^export (?:async )?(?:const|function|class) (\w+)", text, flags=re.MULTILINE)
        text = re.sub(r"^export ", "", text, flags=re.MULTILINE)
        parts.append(f"modules.{name} = (() => {{\n{text}\nreturn {{ {', '.join(public)} }};\n}})();")
    return "\n".join(parts).replace("</script", "<\\/script")


def _text(name: str) -> str:
    return (serving.BROWSER.parent / "standalone_page" / name).read_text(encoding="utf-8")
