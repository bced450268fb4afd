#!/bin/sh
# Builds Dockerfile.arm64 without Docker and without a registry, as root: the base is made of Debian's
# packages as the root of a card is (image/debian.sh), the rest by buildah in a chroot. On another
# processor both run in a namespace of their own, whose kernel gives programs for ARM to Debian 13's
# qemu (Linux 6.7), and this machine's own settings are left alone.
#   ARCH=amd64 sh firmware_configs/container.sh    the same image for this processor, to try it out
# EXTRAS=web,updates adds the page and signed models; on a board's core alone, CORE=cortex-a76.
# KERNELS=no leaves kernels to the first start on the board: emulated, they take ten minutes and more.
# BUILDAH_OPTIONS are given to buildah, such as --volume for the certificates of a proxy.
# MIRROR is one of Debian (default: that of this machine), and where the image looks for packages;
# WORK is where packages and the base are found again (3 GB).
set -eu

cd "$(dirname "$0")/.."
arch=${ARCH:-arm64}
mirror=${MIRROR:-}
work=${WORK:-build/container-$arch}
export SUITE=trixie KERNELS

fail() {
	printf 'container.sh: %s\n' "$1" >&2
	exit 2
}

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

case $arch in
arm64) core=${CORE:-cortex-a53} machine=aarch64 ;;
amd64) core=${CORE:-generic} machine=x86_64 ;;
*) fail "ARCH=$arch is none of: arm64 amd64" ;;
esac
KERNELS=${KERNELS:-yes}
case $KERNELS in yes | no) ;; *) fail "KERNELS=$KERNELS is none of: yes no" ;; esac
case $work in /*) ;; *) work=$PWD/$work ;; esac
case $work in *[!A-Za-z0-9._/+-]*) fail "WORK=$work: letters, digits and . _ + - alone, as mounts are looked up by it" ;; esac
case $(uname -m) in
"$machine") is_other=no ;;
x86_64) is_other=yes ;;
*) fail "this machine is a $(uname -m): an image for $arch is built there, or on x86-64 for arm64" ;;
esac

PATH=$PATH:/usr/sbin:/sbin
missing=
has() { command -v "$1" >/dev/null || missing="$missing $2"; }
has buildah buildah
has apt-get apt
has dpkg-deb dpkg
has unshare util-linux
has perl perl-base
[ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing="$missing debian-archive-keyring"
[ -z "$missing" ] || fail "this needs:$missing (on Debian: sudo apt install$missing)"
[ "$(id -u)" -eq 0 ] || fail "this runs as root: sudo make container"

mirror=${mirror:-$(sh firmware_configs/image/mirror.sh)}
[ -n "$mirror" ] || [ -e "$work/base.tar" ] ||
	fail "apt of this machine knows no mirror of Debian: name one with MIRROR=URL"
export MIRROR="$mirror"

mkdir -p "$work"
if [ ! -e "$work/base.tar" ]; then
	say "packages of Debian are fetched"
	# With what Dockerfile.arm64 installs, which is then there: emulated, that takes four times as long.
	sh firmware_configs/image/packages.sh "$work/board" "$arch" "$SUITE" "$mirror" '?essential' apt \
		passwd python3 python3-venv rtl-sdr
	rm -rf "$work/native"
fi
emulator=none
if [ "$is_other" = yes ]; then
	# An older qemu ends the runtime of the network by a fault.
	emulator=$work/qemu-aarch64
	if [ ! -e "$work/base.tar" ] || [ ! -x "$emulator" ]; then
		sh firmware_configs/image/packages.sh "$work/native" amd64 "$SUITE" "$mirror" '?essential' \
			python3-minimal passwd openssl qemu-user
	fi
	[ -x "$emulator" ] || {
		dpkg-deb --fsys-tarfile "$work"/native/debs/qemu-user_*.deb |
			tar -xO ./usr/bin/qemu-aarch64 >"$emulator.part"
		chmod 755 "$emulator.part"
		mv "$emulator.part" "$emulator"
	}
fi
in_namespace() { sh firmware_configs/image/namespace.sh "$emulator" sh "$@"; }
[ -e "$work/base.tar" ] || in_namespace firmware_configs/image/base.sh "$work"
in_namespace firmware_configs/image/layers.sh "$work" "$arch" "$core"
