"""The image of a card: what it is made of where nothing has to be fetched, and what is refused."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from edgespec.config import load_config

IMAGE = Path(__file__).resolve().parents[2] / "firmware_configs" / "image"
MB = 1 << 20
SBIN = "/usr/bin:/bin:/usr/sbin:/sbin"
MISSING = [
    name for name in ("mcopy", "sfdisk", "mke2fs", "debugfs") if not shutil.which(name, path=SBIN)
]


def run(script: str, *words: object, path: str = SBIN) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", IMAGE / script, *map(str, words)],
        env={"PATH": path, "HOME": "/nonexistent"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")
def test_a_card_has_both_partitions_with_what_was_given_and_an_older_one_outlives_failures(
    tmp_path: Path,
) -> None:
    boot, root, card = tmp_path / "boot", tmp_path / "root.ext4", tmp_path / "card.img"
    (boot / "overlays").mkdir(parents=True)
    (boot / "config.txt").write_text("arm_64bit=1\n")
    (boot / "overlays" / "x.dtbo").write_bytes(b"\0\1")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "hostname").write_text("edgespec\n")
    subprocess.run(
        ["mke2fs", "-q", "-d", tmp_path / "root", root, "4M"], env={"PATH": SBIN}, check=True,
        capture_output=True,
    )  # fmt: skip
    done = run("card.sh", boot, root, 34, 50 * MB, card)
    assert (done.returncode, done.stderr) == (0, "")
    assert card.stat().st_size == 50 * MB

    told = subprocess.run(
        ["sfdisk", "--json", card], env={"PATH": SBIN}, capture_output=True, check=True
    )
    table = json.loads(told.stdout)["partitiontable"]
    assert table["label"] == "dos"
    # The root is as large as the card lets it be; MiB from where, and how many.
    assert [
        (part["start"] // 2048, part["size"] // 2048, part["type"]) for part in table["partitions"]
    ] == [(4, 34, "c"), (38, 12, "83")]
    with card.open("rb") as file:
        file.seek(38 * MB)
        assert file.read(4 * MB) == root.read_bytes()
    shutil.rmtree(tmp_path / "root")
    subprocess.run(
        ["mcopy", "-s", "-i", f"{card}@@4M", "::config.txt", "::overlays", tmp_path], check=True
    )
    assert (tmp_path / "config.txt").read_text() == "arm_64bit=1\n"
    assert (tmp_path / "overlays" / "x.dtbo").read_bytes() == b"\0\1"

    whole = card.read_bytes()
    (boot / "large").write_bytes(bytes(35 * MB))
    for boot_mb, size, says in (
        (34, 41 * MB, "a card of 41 MiB is too small: boot and root take 42 MiB"),
        (20, "", "a boot partition of 20 MiB is too small for FAT32"),
        (34, "", "holds 35 MiB, more than a boot partition of 34 MiB takes"),
    ):
        failed = run("card.sh", boot, root, boot_mb, size, card)
        assert (failed.returncode, says in failed.stderr) == (2, True), failed.stderr
    assert card.read_bytes() == whole
    assert [path.name for path in tmp_path.glob("card.img*")] == ["card.img"]


@pytest.mark.parametrize("profile", ["pi-zero-2w", "pi-4"])
def test_seeds_begin_with_all_of_the_profile_and_let_nobody_in(
    tmp_path: Path, profile: str
) -> None:
    assert run("seeds.sh", profile, tmp_path).returncode == 0
    text = (tmp_path / "user-data").read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    head, config = text.split("    content: |\n")
    assert not re.search(r"(?m)^(users|packages|runcmd):|passwd:|password:", head)
    assert "ssh_pwauth: false" in head
    (tmp_path / "observer.toml").write_text(dedent(config), encoding="utf-8")
    ours = load_config(tmp_path / "observer.toml")
    theirs = load_config(IMAGE.parent / "boards" / f"{profile}.toml")
    assert ours.node.id == "edgespec-1"
    assert (ours.source, ours.band, ours.alarm) == (theirs.source, theirs.band, theirs.alarm)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--profile", "pi-5"), "pi-5 is none of: pi-zero-2w pi-4"),
        (("--size", "8Q"), "--size 8Q: a number of bytes"),
        (("--size", "1000001"), "a multiple of 512 bytes"),
        (("--size", "512M"), "--size 512M: its boot partition alone takes 512 MiB"),
        (("--wheel", "/nowhere.whl"), "there is no such file"),
        (("--wheel", __file__), "is no wheel of edgespec"),
        (("--wheels", "/nowhere"), "there is no such folder"),
        (("--seeds", str(IMAGE)), "there is no user-data in it"),
        (("--output", "/"), "--output / is a folder"),
        (("--extras", "web, updates"), "names with commas between them"),
        (("--work", "/tmp/two words"), "letters, digits and"),
        (("--outputt",), "what is --outputt?"),
        (("--work",), "--work needs a value"),
    ],
)
def test_what_cannot_be_meant_is_said_before_anything_is_made(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    work = () if "--work" in options else ("--work", tmp_path / "work")
    done = run("build.sh", *work, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert [*tmp_path.iterdir()] == []


def test_a_tool_that_is_missing_is_named_with_its_package(tmp_path: Path) -> None:
    for name in ("dirname", "uname", "id", "grep", "mke2fs", "dpkg-deb", "apt-get"):
        there = shutil.which(name, path=SBIN)
        if there is not None:
            (tmp_path / name).symlink_to(there)
    done = run("build.sh", "--work", tmp_path / "work", path=str(tmp_path))
    assert done.returncode == 2
    assert re.search(r"this needs:.* mtools\b.*sudo apt install", done.stderr)
    assert "e2fsprogs" not in done.stderr
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (["http://a.example/other/", "https://b.example/debian/", "http://c.example/debian"],
         "https://b.example/debian\n"),
        (["http://d.example/ubuntu/"], ""),
        ([], ""),
    ],
)  # fmt: skip
def test_packages_come_from_where_this_machine_has_them_from(
    tmp_path: Path, lines: list[str], found: str
) -> None:
    script = "#!/bin/sh\n" + "".join(f"echo {line}\n" for line in lines)
    (tmp_path / "apt-get").write_text(script)
    (tmp_path / "apt-get").chmod(0o755)
    done = run("mirror.sh", path=f"{tmp_path}:{SBIN}")
    assert (done.returncode, done.stdout) == (0, found)


@pytest.mark.parametrize("user", [0, 1000])
def test_a_machine_without_namespaces_of_users_is_said_not_waited_for(
    tmp_path: Path, user: int
) -> None:
    for name, does in (("id", f"echo {user}"), ("unshare", "echo not here >&2; exit 1")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    done = run("namespace.sh", "none", "true", path=f"{tmp_path}:{SBIN}")
    assert done.returncode == 1
    assert "not here" in done.stderr


def test_who_ends_a_namespace_ends_all_that_runs_in_it() -> None:
    if run("namespace.sh", "none", "true").returncode:
        pytest.skip("no namespace of users can be made here")
    with subprocess.Popen(
        ["/bin/sh", IMAGE / "namespace.sh", "none", "sh", "-c", "sh -c 'echo on; sleep 300'; :"],
        env={"PATH": SBIN}, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == b"on\n"
        process.terminate()
        # Whoever is left would hold the pipe open.
        assert process.communicate(timeout=120) == (b"", None)
    assert process.returncode == 130
