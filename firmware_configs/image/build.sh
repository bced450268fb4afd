#!/bin/sh
# Assembles an image of a card that boots a Raspberry Pi (64 bits) into an observer: Debian's packages
# for arm64, the program with its wheels, the unit, and seeds of cloud-init for the first boot. Where
# it can, this machine's processor does the work; docs/boards.md tells how, and what was seen.
set -eu

usage() {
	cat <<'USAGE'
Usage: build.sh [OPTIONS]

  --output FILE     the image (default: build/image/edgespec-pi.img)
  --profile NAME    board whose settings the observer begins with: pi-zero-2w or pi-4 (default).
                    Linux of this Debian release lacks the USB of a Pi 5.
  --size SIZE       of the whole image, such as 8G, at most the card's; default: as small as it can
                    be. At its first boot it takes all of the card, either way.
  --seeds DIR       user-data, meta-data and network-config for the first boot, filled in; without it
                    they are filled in on the card, a FAT partition
  --extras LIST     what else the program is to do, such as web,updates (install.sh --help)
  --broker          also mosquitto and its files
  --wheel FILE      edgespec's wheel (default: made of the source beside)
  --wheels DIR      take packages of Python from this folder, among them pip; nothing is fetched
  --mirror URL      of Debian, for here and for the card (default: that of this machine)
  --work DIR        where things are put together, 6 GB; packages fetched are found there again
                    (default: build/image)
  -h, --help        this text

Environment: PYTHON, any 3.11 or newer with pip (default: python3). Runs as root, or as a user who
has a range in /etc/subuid.
USAGE
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
files=$(dirname "$here")
source=$(dirname "$files")
python=${PYTHON:-python3}
output='' profile=pi-4 size='' seeds='' extras='' broker=no wheel='' wheels='' work=''
mirror=
SUITE=trixie python_version=3.13
boot_mb=512

fail() {
	printf 'build.sh: %s\n' "$1" >&2
	exit 2
}

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

needs_value() { [ "$2" -ge 2 ] || fail "$1 needs a value; see build.sh --help"; }

while [ $# -gt 0 ]; do
	case $1 in
	--output) needs_value "$1" $# && output=$2 && shift ;;
	--profile) needs_value "$1" $# && profile=$2 && shift ;;
	--size) needs_value "$1" $# && size=$2 && shift ;;
	--seeds) needs_value "$1" $# && seeds=$2 && shift ;;
	--extras) needs_value "$1" $# && extras=$2 && shift ;;
	--broker) broker=yes ;;
	--wheel) needs_value "$1" $# && wheel=$2 && shift ;;
	--wheels) needs_value "$1" $# && wheels=$2 && shift ;;
	--mirror) needs_value "$1" $# && mirror=${2%/} && shift ;;
	--work) needs_value "$1" $# && work=$2 && shift ;;
	-h | --help) usage && exit 0 ;;
	*) fail "what is $1? build.sh --help lists the options" ;;
	esac
	shift
done

absolute() { case $1 in /*) printf '%s' "$1" ;; *) printf '%s/%s' "$PWD" "$1" ;; esac; }

# What can be told before anything is fetched.
case $profile in pi-zero-2w | pi-4) ;; *) fail "--profile $profile is none of: pi-zero-2w pi-4" ;; esac
case $extras in *[!a-z,]*) fail "--extras $extras: names with commas between them" ;; esac
if [ -n "$size" ]; then
	bytes=$(numfmt --from=iec "$size" 2>/dev/null) ||
		fail "--size $size: a number of bytes, or with M or G behind it, such as 8G"
	[ "$((bytes % 512))" -eq 0 ] || fail "--size $size: a card has a multiple of 512 bytes"
	[ "$bytes" -gt "$((boot_mb * 1048576))" ] ||
		fail "--size $size: its boot partition alone takes $boot_mb MiB; name the card's, such as 8G"
	size=$bytes
fi
if [ -n "$wheel" ]; then
	[ -f "$wheel" ] || fail "--wheel $wheel: there is no such file"
	case ${wheel##*/} in
	edgespec-*.whl) ;;
	*) fail "--wheel $wheel is no wheel of edgespec: python3 -m pip wheel --no-deps -w . SOURCE" ;;
	esac
	wheel=$(absolute "$wheel")
fi
if [ -n "$wheels" ]; then
	[ -d "$wheels" ] || fail "--wheels $wheels: there is no such folder"
	wheels=$(absolute "$wheels")
fi
if [ -n "$seeds" ]; then
	for name in user-data meta-data network-config; do
		[ -f "$seeds/$name" ] || fail "--seeds $seeds: there is no $name in it"
	done
	[ "$(head -n 1 "$seeds/user-data")" = '#cloud-config' ] ||
		fail "--seeds $seeds: the first line of user-data is not #cloud-config"
	seeds=$(absolute "$seeds")
fi
work=$(absolute "${work:-$source/build/image}")
output=$(absolute "${output:-$work/edgespec-pi.img}")
case $work in *[!A-Za-z0-9._/+-]*) fail "--work $work: letters, digits and . _ + - alone, as mounts are looked up by it" ;; esac
[ ! -b "$output" ] || fail "--output $output is a disk: make a file, then: sudo dd if=FILE of=$output bs=4M"
[ ! -d "$output" ] || fail "--output $output is a folder"
[ -d "$(dirname "$output")" ] || [ "$(dirname "$output")" = "$work" ] ||
	fail "--output $output: there is no folder $(dirname "$output")"

PATH=$PATH:/usr/sbin:/sbin
missing=
has() { command -v "$1" >/dev/null || missing="$missing $2"; }
has apt-get apt
has dpkg-deb dpkg
has mke2fs e2fsprogs
has mcopy mtools
has sfdisk fdisk
has unshare util-linux
has perl perl-base
emulator=none
case $(uname -m) in
aarch64) ;;
x86_64)
	emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64) ||
		missing="$missing qemu-user-static"
	;;
*) fail "this is built on x86-64 or 64-bit ARM, not $(uname -m)" ;;
esac
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
if [ "$(id -u)" -ne 0 ]; then
	has newuidmap uidmap
	grep -qs "^$(id -un):" /etc/subuid || fail "$(id -un) has no range in /etc/subuid; or run it as root"
fi
[ -z "$missing" ] || fail "this needs:$missing (on Debian: sudo apt install$missing)"
mirror=${mirror:-$(sh "$here/mirror.sh")}
[ -n "$mirror" ] || fail "apt of this machine knows no mirror of Debian: name one with --mirror URL"
"$python" -m pip --version >/dev/null 2>&1 ||
	fail "$python has no pip (on Debian: sudo apt install python3-pip); PYTHON names another Python"

mkdir -p "$work"
# root.sh keeps owners of files; on some of what is mounted nobody but root has any.
free=$(df -k --output=avail "$work" | tail -n 1)
[ "$free" -ge 6000000 ] || fail "$work has $((free / 1000)) MB free of the 6000 that this takes; --work names another folder"

if [ -z "$wheel" ]; then
	say "edgespec's wheel is made"
	rm -rf "$work/wheel"
	"$python" -m pip wheel --disable-pip-version-check --quiet --no-deps --wheel-dir "$work/wheel" "$source"
	wheel=$(echo "$work"/wheel/edgespec-*.whl)
fi
say "packages of Python are fetched for the board"
set -- --disable-pip-version-check --quiet --no-compile --only-binary :all: --implementation cp \
	--python-version "$python_version"
for glibc in 2_17 2_24 2_27 2_28 2_31 2_34 2_39; do
	set -- "$@" --platform "manylinux_${glibc}_aarch64"
done
if [ -n "$wheels" ]; then set -- "$@" --no-index --find-links "$wheels"; fi
rm -rf "$work/site"
"$python" -m pip install "$@" --target "$work/site" "$wheel${extras:+[$extras]}" pip

say "packages of Debian are fetched"
if [ "$emulator" = none ]; then
	rm -rf "$work/native"
else
	# What scripts of packages call.
	sh "$here/packages.sh" "$work/native" amd64 "$SUITE" "$mirror" '?essential' python3-minimal \
		passwd systemd udev kmod openssh-client openssl cpio zstd
fi
# shellcheck disable=SC2046
sh "$here/packages.sh" "$work/board" arm64 "$SUITE" "$mirror" '?essential' \
	$([ "$broker" = no ] || echo mosquitto) $(sed 's/#.*//' "$here/packages.txt")

if [ -z "$seeds" ]; then
	seeds=$work/seeds
	sh "$here/seeds.sh" "$profile" "$seeds"
fi
SEEDS=$seeds PROFILE=$profile BROKER=$broker SUITE=$SUITE MIRROR=$mirror \
	sh "$here/namespace.sh" "$emulator" sh "$here/root.sh" "$work"
say "the card is put together"
sh "$here/card.sh" "$work/boot" "$work/root.ext4" "$boot_mb" "$size" "$output"
say "$output, $(($(stat -c %s "$output") / 1000000)) MB. Write it to a card: sudo dd if=$output of=/dev/CARD bs=4M"
say "Then fill in user-data on its first partition: without a key of yours there, nobody can log in."
