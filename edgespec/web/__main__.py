"""The process that serves a page: ``python -m edgespec.web CHANNEL LISTENING [MEMORY]``.

The arguments are descriptors of :mod:`edgespec.web.page_process`, which begins it. The first line
of standard input is a :class:`~edgespec.web.task.Task`, the others are messages of before.
"""

import asyncio
import logging
import signal
import socket
import sys

from edgespec.logs import begin_logs
from edgespec.web.feed_memory import FeedMemory
from edgespec.web.task import Task


def main() -> None:
    """Serve until whoever began it ends."""
    from edgespec.web.server import serve

    channel, listening = (socket.socket(fileno=int(one)) for one in sys.argv[1:3])
    begin_logs("text", is_verbose=False)
    # What a browser sends is no business of the observer's log.
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    first, *before = sys.stdin.buffer.read().splitlines()
    task = Task.of_bytes(first)
    n_bands = len(task.about.get("bands", ()))
    memory = FeedMemory(n_bands, int(sys.argv[3])) if len(sys.argv) > 3 else None
    asyncio.run(serve(task, listening, channel, memory, before))


if __name__ == "__main__":
    main()
