"""What the page's waterfall costs a browser: 128 bins, 3,600 rows, a row a frame.

``python -m benchmarks.speed.page`` draws one plane of the page, and two, in headless Chromium:
chart, waterfall, axes, with a row more in each frame of the screen, from a ring that is full.
Counted are the times between frames, and the processor time of the browser's processes; an empty
page that asks for frames alone stands beside it.
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
#: Planes, and rows of each: a minute, or ten seconds.
_DRAWN = ((0, 3600), (1, 3600), (2, 3600), (1, 600))
_WIDTH, _HEIGHT = 1400, 900
_HTML = b"""<!doctype html><html data-theme="light"><title>page</title>
<link rel="stylesheet" href="/static/colours.css"><link rel="stylesheet" href="/static/page.css">
<link rel="stylesheet" href="/static/live.css"><div id="planes" class="planes"></div>"""
#: Rows are made before, and the ring is filled with them.
_BEGIN = """
const [nPlanes, nBins, nRows, done] = arguments;
import("/static/plane.js").then(({ Plane }) => {
  const told = { id: 0, n_bins: nBins, lower_hz: 800e6, upper_hz: 802e6,
                 db_min: -120, db_step: 0.5, row_s: 1 / 60 };
  const level = (_, bin) => 90 + (bin > 30 && bin < 90 ? 40 : 0) + 12 * Math.random();
  const rows = Array.from({ length: 64 }, () => Uint8Array.from({ length: nBins }, level));
  const planes = Array.from({ length: nPlanes }, () => {
    const plane = new Plane("power", told, nRows, () => {});
    document.getElementById("planes").append(plane.figure);
    plane.begin(nRows);
    for (let row = 0; row < nRows; row += 1) plane.push(rows[row % 64], 1, row / 60);
    plane.take(Array(nBins).fill(-60), Array(nBins).fill(-50));
    return plane;
  });
  window.drawn = { planes, rows, row: nRows };
  done(planes[0]?.painter.constructor.name ?? "none");
});
"""
#: Frames are asked for; in each a row comes, and what has changed is drawn.
_RUN = """
const [nFrames, done] = arguments, { planes, rows } = window.drawn, times = [];
const step = (now) => {
  times.push(now);
  const row = window.drawn.row++;
  for (const plane of planes) { plane.push(rows[row % 64], 1, row / 60); plane.draw(now); }
  if (times.length <= nFrames) requestAnimationFrame(step);
  else done(times);
};
requestAnimationFrame(step);
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


def measure(driver: Any, url: str, n_planes: int, n_rows: int, n_frames: int) -> dict[str, Any]:
    """Return frame times and shares of a core of one way to draw."""
    driver.get(url)
    painter = driver.execute_async_script(_BEGIN, n_planes, _N_BINS, n_rows)
    driver.execute_async_script(_RUN, 60)
    before, begun = process_times(driver.service.process.pid), time.monotonic()
    times = driver.execute_async_script(_RUN, n_frames)
    wall_s = time.monotonic() - begun
    after = process_times(driver.service.process.pid)
    frames_ms = np.diff(times)
    shares = {kind: (seconds - before.get(kind, 0.0)) / wall_s for kind, seconds in after.items()}
    return {
        "n_planes": n_planes,
        "n_rows": n_rows,
        "painter": painter,
        "frames_per_s": float(1e3 / frames_ms.mean()),
        "median_ms": float(np.median(frames_ms)),
        "p99_ms": float(np.percentile(frames_ms, 99)),
        "renderer": shares.get("renderer", 0.0),
        "gpu_process": shares.get("gpu-process", 0.0),
        "others": sum(shares.values())
        - shares.get("renderer", 0.0)
        - shares.get("gpu-process", 0.0),
    }


def report(rows: list[dict[str, Any]]) -> str:
    """Return the table, and what it means."""
    heads = (
        "drawn",
        "rows",
        "by",
        "frames/s",
        "ms, median (p99)",
        "renderer",
        "compositor",
        "others",
    )
    cells = [
        [
            f"{row['n_planes']} planes" if row["n_planes"] != 1 else "1 plane",
            f"{row['n_rows']:,}",
            row["painter"],
            f"{row['frames_per_s']:.1f}",
            f"{row['median_ms']:.1f} ({row['p99_ms']:.1f})",
            *(f"{100 * row[name]:.0f}%" for name in ("renderer", "gpu_process", "others")),
        ]
        for row in rows
    ]
    return (
        f"{markdown_table(heads, cells)}\n\nShares are of one core. A plane is a chart, a "
        f"waterfall of {_N_BINS} bins, and axes, on a screen of {_WIDTH} x {_HEIGHT}; a row comes "
        "in each frame, and a line of pixels is the maximum of as many rows as it covers. The "
        "picture moves when such a line begins. This machine has no graphics card: the page sees "
        "that WebGL would be done in software and paints without it, and Chromium puts its picture "
        "together on the processor, too. With a card both are done there, which was not measured."
    )


@click.command()
@click.option("--frames", "n_frames", default=900, show_default=True)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_frames: int, save: bool) -> None:
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
            rows = [measure(driver, url, n_planes, n_rows, n_frames) for n_planes, n_rows in _DRAWN]
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
