"""What the page's waterfall costs a browser: 128 bins, 3,600 rows, 60 rows a second.

``python -m benchmarks.speed.page`` lets the page's live view draw one plane, and two, in headless
Chromium: chart, waterfall, axes, from a ring that is full. Counted are the pictures, the times
between them, and the processor time of the browser's processes. The page asks for a frame when it
has something to draw; beside it stands what a browser takes that is asked for each frame of the
screen, with the same planes and with nothing to draw.
"""

import json
import os
import re
import tempfile
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.chromium import open_chromium, set_screen
from converter.report.markdown_table import markdown_table

__all__ = ["main"]

PAGE = record.ROOT / "edgespec" / "web" / "page"
_N_BINS = 128
_ROWS_PER_S = 60
#: Planes, rows of each (a minute, or ten seconds), and whether each frame is asked for.
_DRAWN = (
    (1, 3600, False),
    (2, 3600, False),
    (1, 600, False),
    (1, 3600, True),
    (0, 3600, True),
)
_WIDTH, _HEIGHT = 1400, 900
_HTML = b"""<!doctype html><html data-theme="light"><title>page</title>
<link rel="stylesheet" href="/static/colours.css"><link rel="stylesheet" href="/static/page.css">
<link rel="stylesheet" href="/static/live.css"><select id="span" hidden></select>
<div id="planes" class="planes"></div>"""
#: The ring is filled; messages are as the server sends them, of rows that are made before.
_BEGIN = """
const [nPlanes, nBins, nRows, perS, done] = arguments;
import("/static/live.js").then(({ Live }) => {
  const live = new Live(() => {}), names = ["power", "residual"].slice(0, nPlanes);
  const told = (id) => ({ id, n_bins: nBins, lower_hz: 800e6, upper_hz: 802e6,
                          db_min: -120, db_step: 0.5, row_s: 1 / perS });
  const level = (_, bin) => 90 + (bin > 30 && bin < 90 ? 40 : 0) + 12 * Math.random();
  const rows = Array.from({ length: 64 }, () => Uint8Array.from({ length: nBins }, level));
  const send = (first, n) => names.forEach((_, id) => {
    const buffer = new ArrayBuffer(16 + n * nBins), view = new DataView(buffer);
    view.setUint8(0, id);
    view.setUint16(2, n, true);
    view.setUint32(4, nBins, true);
    view.setFloat64(8, first / perS, true);
    const bytes = new Uint8Array(buffer, 16);
    for (let row = 0; row < n; row += 1) bytes.set(rows[(first + row) % 64], row * nBins);
    live.take(buffer);
  });
  live.nRows = nRows;
  live.begin(Object.fromEntries(names.map((name, id) => [name, told(id)])));
  const planes = [...live.planes.values()];
  for (const plane of planes) plane.take(Array(nBins).fill(-60), Array(nBins).fill(-50));
  send(0, nRows);
  live.run(true);
  window.drawn = { planes, send, row: nRows };
  done(planes[0]?.painter.constructor.name ?? "none");
});
"""
#: Rows come by a clock, as from an observer; times of pictures and frames asked for are told.
_RUN = """
const [seconds, perS, isEach, done] = arguments, { planes, send } = window.drawn, times = [];
const begun = performance.now(), first = window.drawn.row;
if (planes.length > 0) {
  const { painter } = planes[0], paint = painter.paint;
  painter.paint = (...how) => { times.push(performance.now()); paint.apply(painter, how); };
  window.drawn.stop = () => { painter.paint = paint; };
}
let frames = 0, isDone = false;
const step = () => { frames += 1; if (!isDone) requestAnimationFrame(step); };
if (isEach) requestAnimationFrame(step);
const timer = setInterval(() => {
  const passed = performance.now() - begun, row = first + Math.floor(passed / 1000 * perS);
  if (row > window.drawn.row) send(window.drawn.row, row - window.drawn.row);
  window.drawn.row = row;
  if (passed < 1000 * seconds) return;
  clearInterval(timer);
  isDone = true;
  window.drawn.stop?.();
  done({ times, frames, seconds: passed / 1000, n_rows: window.drawn.row - first });
}, 1000 / perS);
"""


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files of the page below ``/static``, and an empty page that uses them."""

    def do_GET(self) -> None:
        if self.path != "/":
            self.path = self.path.removeprefix("/static")
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(_HTML)

    def log_message(self, *arguments: Any) -> None:
        """Be silent."""


def process_times(pid: int) -> dict[str, float]:
    """Return the processor seconds of a process and all below it, by what Chromium calls them."""
    found: dict[str, float] = {}
    parents: dict[int, tuple[int, float]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        parents[int(folder.name)] = int(fields[1]), seconds
    below, reached = [pid], set()
    while below:
        one = below.pop()
        reached.add(one)
        below += [child for child, (parent, _) in parents.items() if parent == one]
    for one in reached & parents.keys():
        # A process that names itself parts its words by spaces.
        command = Path(f"/proc/{one}/cmdline").read_bytes().decode(errors="replace")
        named = re.search(r"--type=([a-z-]+)", command)
        kind = named[1] if named else "browser"
        found[kind] = found.get(kind, 0.0) + parents[one][1]
    return found


def measure(
    driver: Any, url: str, n_planes: int, n_rows: int, is_each: bool, seconds: float
) -> dict[str, Any]:
    """Return pictures, the times between them, and shares of a core of one way to draw."""
    driver.get(url)
    painter = driver.execute_async_script(_BEGIN, n_planes, _N_BINS, n_rows, _ROWS_PER_S)
    driver.execute_async_script(_RUN, 2.0, _ROWS_PER_S, is_each)
    before, begun = process_times(driver.service.process.pid), time.monotonic()
    drawn = driver.execute_async_script(_RUN, seconds, _ROWS_PER_S, is_each)
    wall_s = time.monotonic() - begun
    after = process_times(driver.service.process.pid)
    between_ms = np.diff(drawn["times"]) if len(drawn["times"]) > 1 else np.array([np.nan])
    shares = {kind: (seconds - before.get(kind, 0.0)) / wall_s for kind, seconds in after.items()}
    return {
        "n_planes": n_planes,
        "n_rows": n_rows,
        "is_each_frame": is_each,
        "painter": painter,
        "rows_per_s": drawn["n_rows"] / drawn["seconds"],
        "pictures_per_s": len(drawn["times"]) / drawn["seconds"],
        "frames_per_s": drawn["frames"] / drawn["seconds"],
        "median_ms": float(np.median(between_ms)),
        "longest_ms": float(between_ms.max()),
        "renderer": shares.get("renderer", 0.0),
        "gpu_process": shares.get("gpu-process", 0.0),
        "others": sum(shares.values())
        - shares.get("renderer", 0.0)
        - shares.get("gpu-process", 0.0),
    }


def report(rows: list[dict[str, Any]]) -> str:
    """Return the table, and what it means."""
    heads = (
        *("drawn", "kept", "by", "rows/s", "pictures/s", "ms between, median (longest)"),
        *("frames asked for", "renderer", "compositor", "others", "all"),
    )
    shares = ("renderer", "gpu_process", "others")
    cells = [
        [
            f"{row['n_planes']} planes" if row["n_planes"] != 1 else "1 plane",
            f"{row['n_rows']:,} rows",
            row["painter"],
            f"{row['rows_per_s']:.1f}" if row["n_planes"] else "-",
            f"{row['pictures_per_s']:.1f}" if row["n_planes"] else "-",
            f"{row['median_ms']:.0f} ({row['longest_ms']:.0f})" if row["n_planes"] else "-",
            f"{row['frames_per_s']:.1f}/s" if row["is_each_frame"] else "when there is something",
            *(f"{100 * row[name]:.0f}%" for name in shares),
            f"{100 * sum(row[name] for name in shares):.0f}%",
        ]
        for row in rows
    ]
    return (
        f"{markdown_table(heads, cells)}\n\nShares are of one core. A plane is a chart, a "
        f"waterfall of {_N_BINS} bins, and axes, on a screen of {_WIDTH} x {_HEIGHT}; a line of "
        "pixels is the maximum of as many rows as it covers. The picture moves when such a line "
        "begins, and is followed 15 times a second meanwhile. This machine has no graphics card: "
        "the page sees that WebGL would be done in software and paints without it, and Chromium "
        "puts its picture together on the processor, too. With a card both are done there, which "
        "was not measured."
    )


@click.command()
@click.option("--seconds", default=20.0, show_default=True, help="Of each way to draw.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(seconds: float, save: bool) -> None:
    """Measure what the page's waterfall costs a browser."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=str(PAGE)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/"
    with tempfile.TemporaryDirectory() as folder:
        driver = open_chromium(Path(folder))
        try:
            set_screen(driver, _WIDTH, _HEIGHT)
            driver.set_script_timeout(600)
            version = driver.capabilities["browserVersion"]
            rows = [measure(driver, url, *drawn, seconds) for drawn in _DRAWN]
        finally:
            driver.quit()
            server.shutdown()
    text = report(rows)
    click.echo(text)
    machine = record.facts(["selenium"]) | {"chromium": version}
    if save:
        title = "What the page costs a browser"
        path = record.save("page", title, {"machine": machine, "rows": rows}, text)
        click.echo(f"wrote {path}")
    else:
        click.echo(json.dumps(machine))


if __name__ == "__main__":
    main()
