"""A PostgreSQL server of this machine's package on a free port: it can be stopped and come back."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from edgespec.port import free_port
from tests.made.broker import PATIENCE_S, wait_for

__all__ = ["Postgres"]

#: It does not run as root.
_USER = "nobody"


def _program(name: str) -> str:
    """Return the path of a program, which Debian keeps out of the PATH, or skip."""
    found = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))]
    path = shutil.which(name) or (found[-1] if found else None)
    if path is None:
        pytest.skip(f"PostgreSQL's {name} is not installed: apt install postgresql")
    return str(Path(path).resolve())


class Postgres:
    """One server, one user who may do everything, as long as the tests of a module last."""

    def __init__(self) -> None:
        initdb, self._server = _program("initdb"), _program("postgres")
        self._folder = Path(tempfile.mkdtemp(prefix="edgespec-postgres-"))
        self._as = {"user": _USER} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self._folder, _USER)
        self.port, self._n_bases = free_port(), 0
        self._process: subprocess.Popen[bytes] | None = None
        self._log = (self._folder.with_suffix(".log")).open("w+b")
        asked = ["-U", "edgespec", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._run([initdb, "-D", str(self._folder / "base"), *asked]).wait(PATIENCE_S)
        self.start()

    def start(self) -> None:
        self._process = self._run(
            [self._server, "-D", str(self._folder / "base"), "-p", str(self.port), "-F", "-h",
             "127.0.0.1", "-k", ""]
        )  # fmt: skip

        def answers() -> bool:
            if self._process is not None and self._process.poll() is not None:
                self._log.seek(0)
                pytest.fail(f"PostgreSQL ended: {self._log.read().decode()}")
            return self._asks("postgres", "SELECT 1")

        wait_for(answers, "PostgreSQL answers")

    def stop(self) -> None:
        """End it, and with it every connection, as ``pg_ctl -m immediate`` does."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait(PATIENCE_S)

    def new_base(self) -> str:
        """Return the URL of a database with nothing in it."""
        self._n_bases += 1
        assert self._asks("postgres", f"CREATE DATABASE fleet{self._n_bases}")
        return f"postgresql://edgespec@127.0.0.1:{self.port}/fleet{self._n_bases}"

    def close(self) -> None:
        self.stop()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.with_suffix(".log").unlink(missing_ok=True)

    def _run(self, command: list[str]) -> "subprocess.Popen[bytes]":
        environment = {**os.environ, "TZ": "UTC"}
        return subprocess.Popen(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=self._log, **self._as,
        )  # fmt: skip

    def _asks(self, base: str, statement: str) -> bool:
        psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
        with contextlib.suppress(psycopg.OperationalError):
            where = f"host=127.0.0.1 port={self.port} user=edgespec dbname={base}"
            with psycopg.connect(where, autocommit=True) as connection:
                connection.execute(statement)
            return True
        return False
