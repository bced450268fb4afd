"""RabbitMQ for tests: one node of Debian's package."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.chaos.rabbit import SERVER, Cluster, Node

__all__ = ["one_node"]


def one_node(folder: Path) -> Iterator[Node]:
    """Yield a running node, or skip."""
    if not SERVER.exists():
        pytest.skip("RabbitMQ is not installed: apt install rabbitmq-server")
    with closing(Cluster(folder, 1)) as cluster:
        yield cluster.nodes[0]
