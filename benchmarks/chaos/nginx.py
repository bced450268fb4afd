"""nginx before a server of ours, as people put it before what takes their webhooks."""

import getpass
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benchmarks.chaos.parties import wait_until
from edgespec.port import free_port

__all__ = ["Nginx", "Taker"]

_CONFIG = """
user {user}; daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/a; uwsgi_temp_path {folder}/b; scgi_temp_path {folder}/c;
  limit_req_zone $binary_remote_addr zone=one:1m rate=2r/s;
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl;
    ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.3;
    proxy_read_timeout 2s;
    location / {{ proxy_pass http://127.0.0.1:{taker_port}; }}
    location /moved {{ return 301 https://127.0.0.1:{tls_port}/taken; }}
    location /seldom {{ limit_req zone=one; proxy_pass http://127.0.0.1:{taker_port}; }}
    location /short {{ client_max_body_size 100; proxy_pass http://127.0.0.1:{taker_port}; }}
    location /drawn {{ client_max_body_size 64k; proxy_pass http://127.0.0.1:{taker_port}; }}
    location /secret {{
      if ($http_authorization != "Bearer t0ken") {{ return 401; }}
      proxy_pass http://127.0.0.1:{taker_port};
    }}
  }}
}}
"""
#: What https://docs.ntfy.sh/publish says of a topic, of priorities and of a message's length.
_TOPIC = re.compile(r"/[-_A-Za-z0-9]{1,64}")
_PRIORITIES = ("", "1", "2", "3", "4", "5", "min", "low", "default", "high", "max", "urgent")
_LONGEST_MESSAGE = 4096


class Taker:
    """Takes webhooks behind nginx, and what ntfy documents that it takes, on a port.

    ``/taken`` takes, ``/late`` does after a second, ``/never`` after more than nginx waits,
    ``/weak`` every third time, and ``/ntfy`` what ntfy would.

    Attributes:
        ids: of the events that it took.
        drawn: names of the pictures that it took.
        n_asked: requests.
    """

    def __init__(self, port: int) -> None:
        self.ids: list[str] = []
        self.drawn: list[str] = []
        self.titles: list[str] = []
        self.n_asked = 0
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taker.n_asked += 1
                status = taker.take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> int:
        """Return the status that answers a request."""
        if path.startswith("/ntfy"):
            return self._take_ntfy(path, headers, body)
        if path == "/weak" and self.n_asked % 3:
            return 500
        time.sleep({"/late": 1.0, "/never": 4.0}.get(path, 0.0))
        if headers.get("Content-Type", "").startswith("multipart/form-data"):
            self.drawn += re.findall(r'name="picture"; filename="([^"]+)"', body.decode("latin-1"))
            return 200
        self.ids.append(json.loads(body)["id"])
        return 200

    def _take_ntfy(self, path: str, headers: dict[str, str], body: bytes) -> int:
        if not _TOPIC.fullmatch(path):
            return 404
        if headers.get("Priority", "") not in _PRIORITIES or not headers["Title"].isascii():
            return 400
        if "Filename" in headers:
            self.drawn.append(headers["Filename"])
            return 200
        if len(body) > _LONGEST_MESSAGE:
            return 413
        self.titles.append(headers["Title"])
        body.decode()
        return 200

    def close(self) -> None:
        """Listen no longer."""
        self._server.shutdown()
        self._server.server_close()


class Nginx:
    """nginx in a folder of its own, with and without TLS.

    Args:
        folder: of its files.
        taker_port: of whom it stands before.

    Attributes:
        url, tls_url: where it is.
        ca_file: the certificate that its own is signed by: by itself.
    """

    def __init__(self, folder: Path, taker_port: int) -> None:
        self.ca_file, key = folder / "cert.pem", folder / "key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "1", "-subj", "/CN=nginx", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", key, "-out", self.ca_file],
            check=True, capture_output=True,
        )  # fmt: skip
        port, tls_port = free_port(), free_port()
        self.url, self.tls_url = f"http://127.0.0.1:{port}", f"https://127.0.0.1:{tls_port}"
        config = folder / "nginx.conf"
        config.write_text(
            _CONFIG.format(
                folder=folder, user=getpass.getuser(), port=port, tls_port=tls_port,
                cert=self.ca_file, key=key, taker_port=taker_port,
            )
        )  # fmt: skip
        path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin") or "nginx"
        self._process = subprocess.Popen(
            [path, "-c", config, "-e", folder / "start.log", "-p", folder]
        )

        def answers() -> bool:
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", port)) == 0

        if not wait_until(answers, 20.0):
            raise RuntimeError(f"nginx does not start: {(folder / 'start.log').read_text()[-500:]}")

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()
