"""A process of one's own that reads a radio: a call that hangs cannot be ended, a process can."""

import shutil
import subprocess
from collections import deque
from collections.abc import Sequence
from threading import Thread

from edgespec.errors import SourceError

__all__ = ["Child"]

#: How long it may take to end before it is killed: a radio that hangs does not let it go.
_END_S = 2.0
_N_LINES = 40


class Child:
    """A program that is started, listened to, and ended whatever state it is in.

    Every start is a new process, which opens the radio anew: nothing of one that broke is used
    again.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._listener: Thread | None = None
        self._lines: deque[str] = deque(maxlen=_N_LINES)

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    @property
    def lines(self) -> list[str]:
        """What it said last, stdout and stderr."""
        return list(self._lines)

    def start(self, command: Sequence[str], descriptors: Sequence[int] = ()) -> None:
        """Start a new one, and end the one before.

        Args:
            command: the program and its arguments.
            descriptors: what of this process's files it is given.

        Raises:
            SourceError: it cannot be run.
        """
        self.stop()
        self._lines.clear()
        # Whatever becomes of this program, the radio is free again.
        setpriv = shutil.which("setpriv")
        before = [setpriv, "--pdeathsig", "TERM"] if setpriv else []
        try:
            self._process = subprocess.Popen(
                [*before, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=descriptors,
            )
        except OSError as error:
            raise SourceError(f"{command[0]} cannot be run: {error.strerror}") from error
        self._listener = Thread(target=self._listen, args=(self._process,), daemon=True)
        self._listener.start()

    def stop(self) -> None:
        """End it; a second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._listener is not None:
            self._listener.join(_END_S)

    def last_words(self) -> str:
        """Return the last lines that say something, '' where none does."""
        return "; ".join(line.strip() for line in self.lines[-3:] if line.strip())

    def _listen(self, process: "subprocess.Popen[str]") -> None:
        if process.stdout is not None:
            with process.stdout as stream:
                for line in stream:
                    self._lines.append(line)
