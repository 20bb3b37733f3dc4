"""A workspace whose every name attacks whoever shows it: markup, scripts, Markdown, SQL, paths, formulas, directions.

All of it comes in by the ways that anybody's models and texts do: `explorer.json`, a metadata table, a table of texts,
kept Points, saved views.
"""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

OUTSIDE = "outside.invalid"
SCRIPT = "<img src=x onerror=window.hit=1><script>window.hit=1</script><b class=hostile>bold</b>"
PICTURE = f"![p](http://{OUTSIDE}/p.png) [go](javascript:window.hit=1) <http://{OUTSIDE}/q>"
PLOTLY = f'<a href="http://{OUTSIDE}/a">a</a><b>b</b>%{{x}} $x^2$'
SQL = "'; DROP TABLE checkpoints; --"
PATHS = "../../../etc/passwd"
TURNED = "safe\u202etxt.exe\u2066\x07"
FORMULA = ":red[r] :material/delete: `code` **b** $$\\href{http://outside.invalid}{x}$$"
NAMES = (SCRIPT, PICTURE, PLOTLY, SQL, PATHS, FORMULA)


def build(zoo: Path, folder: Path) -> Path:
    """The workspace; six models of which every one has a name of its own kind."""
    from explorer import workflows
    from explorer.workflows import stories

    models = folder / "models"
    for i, name in enumerate(NAMES):
        shutil.copytree(zoo / f"m{i}", models / f"m{i}")
        other = NAMES[(i // 3) * 2]
        said = {"name": name, "dataset": other, "task": NAMES[(i // 3) + 1], "domain": PLOTLY, "seed": i,
                "train_size": 2**53 - 1, "method": SQL, SCRIPT: PICTURE, TURNED: TURNED, "huge": 2**63 - 1,
                "small": 5e-324, "nested": {PLOTLY: 1e308}}
        (models / f"m{i}" / "explorer.json").write_text(json.dumps(said))
    with (folder / "runs.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["folder", SQL, FORMULA, "=cmd|' /C calc'!A0"])
        rows.writerows([[f"m{i}", SCRIPT, "9" * 30, TURNED] for i in range(6)])
    with (folder / "texts.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([SCRIPT, PICTURE])
        rows.writerows([[f"w{k % 60} w{k % 7} w{k % 11}", (SCRIPT, TURNED + PICTURE)[k % 2]] for k in range(120)])
    ws = workflows.open_workspace(folder / "ws")
    done = workflows.import_folders(ws, [str(models)], str(zoo / "base"), folder / "runs.csv").result()
    assert not [f for f in workflows.outcomes(done) if f.error], done
    workflows.add_task(ws, "toy", folder / "texts.csv", None, [SCRIPT], PICTURE, family=SCRIPT, domain=PICTURE)
    workflows.keep(ws, f"kept {PLOTLY}", workflows.resolve(ws, json.dumps({"terms": {SCRIPT: 0.5, SQL: 0.5}})))
    ids = [c.id for c in ws.catalog.checkpoints()]
    for name in (SCRIPT, PICTURE):
        stories.save_view(ws, "map", {"basket": ids[:2], "colour": "domain"}, name[:120], PICTURE)
    ws.close()
    return folder / "ws"
