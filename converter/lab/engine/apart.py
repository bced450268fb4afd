"""A task in a Python process of its own, from within a worker that is somebody else's.

Keras draws the seeds of a network's weights from the random numbers of the whole process: in a
Dask worker, whose other threads draw some too, a training would not be the same twice. And a
worker may not have children by ``multiprocessing``.
"""

import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

from converter.lab.engine.environment import environment
from converter.lab.engine.execute import Job, Outcome, execute
from edgespec.errors import ModelError

__all__ = ["execute_apart", "main"]


def execute_apart(job: Job) -> Outcome:
    """Run a task in a new process.

    Raises:
        ModelError: the process ended without a result.
    """
    with tempfile.TemporaryDirectory() as name:
        asked, answer = Path(name) / "job", Path(name) / "outcome"
        asked.write_bytes(pickle.dumps(job))
        with environment({"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}):
            command = [
                sys.executable,
                "-m",
                "converter.lab.engine.apart",
                str(asked),
                str(answer),
            ]
            exit_code = subprocess.run(command, check=False).returncode
        if not answer.exists():
            raise ModelError(f"its process ended with {exit_code} and without a result")
        # Our own process has written it.
        outcome: Outcome = pickle.loads(answer.read_bytes())
        return outcome


def main(asked: str, answer: str) -> None:
    """Run the task of a file and write what became of it to another."""
    job: Job = pickle.loads(Path(asked).read_bytes())
    Path(answer).write_bytes(pickle.dumps(execute(job)))


if __name__ == "__main__":
    main(*sys.argv[1:])
