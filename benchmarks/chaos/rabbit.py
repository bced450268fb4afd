"""A RabbitMQ cluster on the loopback whose nodes can be killed, halted and cut off."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from edgespec.port import free_port

__all__ = ["SERVER", "Cluster", "Node"]

#: Debian's own script changes to the user rabbitmq and to one place for all nodes; this does not.
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_CONTROL = SERVER.with_name("rabbitmqctl")
_ADVANCED = Path(__file__).parents[2] / "firmware_configs" / "rabbitmq" / "advanced.config"
_START_S = 300.0


class Node:
    """One node: AMQP and MQTT on free ports; its messages outlive a kill."""

    def __init__(self, folder: Path, name: str, names: list[str], epmd_port: int) -> None:
        self.port, self.mqtt_port = free_port(), free_port()
        self.name = name
        self._folder = folder
        config = folder / f"{name}.conf"
        peers = "".join(
            f"cluster_formation.classic_config.nodes.{k} = {peer}@localhost\n"
            for k, peer in enumerate(names, 1)
        )
        config.write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.mqtt_port}\nmqtt.allow_anonymous = true\n"
            "cluster_formation.peer_discovery_backend = classic_config\n"
            "cluster_formation.randomized_startup_delay_range.min = 0\n"
            "cluster_formation.randomized_startup_delay_range.max = 1\n"
            f"{peers}cluster_partition_handling = pause_minority\n"
            "raft.wal_max_size_bytes = 32000000\ndisk_free_limit.absolute = 50MB\n",
            encoding="utf-8",
        )
        self._environment = {
            **os.environ,
            "HOME": str(folder),
            "RABBITMQ_NODENAME": f"{name}@localhost",
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_CONFIG_FILE": str(config),
            "RABBITMQ_DIST_PORT": str(free_port()),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # How soon they give up one that hangs, as `firmware_configs` has it.
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(_ADVANCED),
            # Small and quiet.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
            ),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def place(self) -> str:
        """Where it speaks AMQP."""
        return f"127.0.0.1:{self.port}"

    @property
    def mqtt_url(self) -> str:
        """Where it speaks MQTT."""
        return f"mqtt://127.0.0.1:{self.mqtt_port}"

    @property
    def log(self) -> str:
        """What it said at its start."""
        return (self._folder / f"{self.name}.out").read_text(errors="replace")

    @property
    def answers(self) -> bool:
        """Whether it listens on both ports."""
        return _answers(self.port) and _answers(self.mqtt_port)

    def launch(self) -> None:
        """Start it, and do not wait."""
        with (self._folder / f"{self.name}.out").open("ab") as out:
            self._process = subprocess.Popen(
                [str(SERVER)], env=self._environment, stdout=out, stderr=out,
                start_new_session=True,
            )  # fmt: skip

    def wait(self) -> None:
        """Wait until it listens on both ports."""
        until_s = time.monotonic() + _START_S
        while not self.answers:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"RabbitMQ ended: {self.log[-1000:]}")
            if time.monotonic() > until_s:
                raise RuntimeError(f"RabbitMQ does not listen in time: {self.log[-1000:]}")
            time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.send(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        self._process = None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to all of its processes."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def control(self, *words: str) -> str:
        """Return what rabbitmqctl says."""
        done = subprocess.run(
            [str(_CONTROL), "-q", "-n", f"{self.name}@localhost", *words],
            env=self._environment, capture_output=True, text=True, timeout=120.0, check=False,
        )  # fmt: skip
        return done.stdout + done.stderr

    def lead(self, queue: str, words: str) -> None:
        """Evaluate Erlang, in which ``Leader`` is the process that leads a quorum queue."""
        name = f'rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)'
        said = self.control(
            "eval",
            f"{{ok, Queue}} = rabbit_amqqueue:lookup({name}), "
            "{Name, Node} = amqqueue:get_pid(Queue), "
            f"Leader = rpc:call(Node, erlang, whereis, [Name]), {words}.",
        )
        if said.strip() not in ("ok", "true"):
            raise RuntimeError(f"RabbitMQ says: {said}")


class Cluster:
    """Nodes of one cluster, started together; ``close`` kills them and their port mapper."""

    def __init__(self, folder: Path, n_nodes: int) -> None:
        epmd = shutil.which("epmd")
        if epmd is None or not SERVER.exists():
            raise RuntimeError("rabbitmq-server is not installed: apt install rabbitmq-server")
        cookie = folder / ".erlang.cookie"
        cookie.write_text("edgespec")
        cookie.chmod(0o400)
        (folder / "enabled_plugins").write_text("[rabbitmq_mqtt].\n")
        port = free_port()
        # Otherwise a node would start one that outlives it.
        self._epmd = subprocess.Popen([epmd, "-address", "127.0.0.1", "-port", str(port)])
        until_s = time.monotonic() + _START_S
        while not _answers(port) and time.monotonic() < until_s:
            time.sleep(0.05)
        names = [f"n{k}" for k in range(1, n_nodes + 1)]
        self.nodes = [Node(folder, name, names, port) for name in names]
        try:
            # The first makes the cluster, the others join it.
            for node in self.nodes:
                node.launch()
                if node is self.nodes[0]:
                    node.wait()
            for node in self.nodes[1:]:
                node.wait()
        except BaseException:
            self.close()
            raise

    @property
    def url(self) -> str:
        """All of it, for ``--engine``."""
        return "amqp://" + ",".join(node.place for node in self.nodes)

    def close(self) -> None:
        """End everything."""
        for node in self.nodes:
            node.kill()
        self._epmd.kill()
        self._epmd.wait()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), 1.0).close()
        return True
    return False
