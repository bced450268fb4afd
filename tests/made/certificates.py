"""Certificates for tests, made by openssl: an authority and whom it knows."""

import subprocess
from pathlib import Path
from shutil import which

import pytest

__all__ = ["Authority"]

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "1")


class Authority:
    """An authority of one's own in a folder.

    Args:
        folder: where its files lie.
        name: what they and it are called.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self.cert = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        self._ask("req", "-x509", *_KEY, "-nodes", "-subj", f"/CN={name}", "-keyout",
                  str(self._key), "-out", str(self.cert))  # fmt: skip

    def sign(self, name: str, passphrase: str | None = None) -> tuple[Path, Path]:
        """Return the files of a new certificate for 127.0.0.1 and of its key."""
        cert, key = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        protect = ("-nodes",) if passphrase is None else ("-passout", f"pass:{passphrase}")
        self._ask("req", "-x509", *_KEY, *protect, "-subj", f"/CN={name}", "-addext",
                  "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE",
                  "-CA", str(self.cert), "-CAkey", str(self._key), "-keyout", str(key),
                  "-out", str(cert))  # fmt: skip
        return cert, key

    @staticmethod
    def _ask(*arguments: str) -> None:
        tool = which("openssl")
        if tool is None:
            pytest.skip("openssl is not installed")
        subprocess.run([tool, *arguments], check=True, capture_output=True)
