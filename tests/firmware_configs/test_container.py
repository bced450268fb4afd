"""The image and its compose file: what goes in, what it may do, and that it can be found unwell."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = ROOT / "Dockerfile.arm64"
#: Beside Python, where the extra `dev` puts it, or on the path.
HADOLINT = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which(
    "hadolint"
)
COMPOSE = ROOT / "firmware_configs" / "compose.yml"


BUILDER = ROOT / "firmware_configs" / "container.sh"


def dockerfile() -> str:
    return DOCKERFILE.read_text(encoding="utf-8")


def test_what_is_copied_is_there_and_nothing_else_goes_along() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source
        for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", dockerfile())
        for source in line.split()[:-1]
    }
    assert lines[1] == "*"
    assert kept == copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_it_takes_wheels_alone_and_runs_as_nobody_special() -> None:
    text = dockerfile()
    assert all("--only-binary :all:" in line for line in text.splitlines() if "pip install" in line)
    assert re.findall(r"(?m)^USER (.+)$", text) == ["990"]


def test_its_health_check_fails_without_a_life_sign_and_passes_with_one(tmp_path: Path) -> None:
    found = re.search(r'CMD \["sh", "-c", "(.+)"\]', dockerfile())
    assert found is not None
    check = found[1].replace('\\"', '"')
    file = tmp_path / "alive"

    def is_well() -> bool:
        environment = {"EDGESPEC_LIFE_SIGN": str(file), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(["sh", "-c", check], env=environment, stderr=-3, check=False)
        return done.returncode == 0

    assert not is_well()
    file.touch()
    assert is_well()
    # Nothing was worked off for three minutes.
    subprocess.run(["touch", "-d", "3 minutes ago", file], check=True)
    assert not is_well()


def test_compose_allows_the_usb_and_nothing_that_is_privileged() -> None:
    text = re.sub(r"(?m)#.*$", "", COMPOSE.read_text(encoding="utf-8"))
    assert 'device_cgroup_rules: ["c 189:* rmw"]' in text
    assert "privileged" not in text.replace("no-new-privileges", "")
    assert text.count("cap_drop: [ALL]") == text.count("no-new-privileges:true") == 2
    mounted = re.findall(r"- \./(\S+?):", text)
    assert [name for name in mounted if not name.startswith("settings/")
            and not (COMPOSE.parent / name).exists()] == []  # fmt: skip


@pytest.mark.skipif(HADOLINT is None, reason="hadolint is not installed (no wheel here)")
def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([str(HADOLINT), DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_its_base_made_here_has_what_would_be_installed_in_it() -> None:
    asked = {
        name
        for line in re.findall(r"--no-install-recommends ([a-z0-9 +.-]+)", dockerfile())
        for name in line.split()
    }
    assert asked >= {"python3", "rtl-sdr"}
    laid = re.search(r"'\?essential' apt \\\n([a-z0-9\s+.-]+)\n", BUILDER.read_text("utf-8"))
    assert laid is not None
    assert set(laid[1].split()) == asked


@pytest.mark.parametrize(
    ("there", "settings", "says"),
    [
        ((), {"ARCH": "riscv64"}, "ARCH=riscv64 is none of: arm64 amd64"),
        ((), {"WORK": "/two words"}, "WORK=/two words: letters, digits and"),
        ((), {"KERNELS": "few"}, "KERNELS=few is none of: yes no"),
        ((), {}, "this needs: buildah apt dpkg"),
        (("apt-get", "dpkg-deb", "unshare", "perl"), {}, "this needs: buildah"),
    ],
)
def test_what_cannot_be_built_is_said_before_anything_is_fetched(
    tmp_path: Path, there: tuple[str, ...], settings: dict[str, str], says: str
) -> None:
    for name in there:
        (tmp_path / name).symlink_to("/bin/false")
    for name in ("dirname", "uname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    environment = {"PATH": str(tmp_path), "WORK": str(tmp_path / "work"), **settings}
    done = subprocess.run(
        ["/bin/sh", BUILDER], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert not (tmp_path / "work").exists()
