#!/bin/sh
# Builds Dockerfile.arm64 without Docker and without a registry: the base image is made of Debian's
# packages by mmdebstrap, the rest by buildah in a chroot. Needs root, mmdebstrap and buildah, and on
# another processor qemu (apt install qemu-user-static, of Debian 13 or newer), which only this build
# is told to use where the kernel knows none.
#   ARCH=amd64 sh firmware_configs/container.sh    the same image for this processor, to try it out
# EXTRAS=web,updates adds the page and signed models; on a board's core alone, CORE=cortex-a76.
# BUILDAH_OPTIONS are given to buildah, such as --volume for the certificates of a proxy.
set -eu

cd "$(dirname "$0")/.."
arch=${ARCH:-arm64}
work=${WORK:-build/container-$arch}
case $arch in
arm64) core=${CORE:-cortex-a53} ;;
*) core=${CORE:-generic} ;;
esac

for program in mmdebstrap buildah; do
	command -v "$program" >/dev/null || {
		echo "container.sh: $program is not here: apt install $program" >&2
		exit 1
	}
done
mkdir -p "$work"
if [ "$arch" = arm64 ] && [ "$(uname -m)" = x86_64 ] && [ -z "${IN_NAMESPACE:-}" ] &&
	! grep -qs '^enabled' /proc/sys/fs/binfmt_misc/qemu-aarch64; then
	emulator=${EMULATOR:-$(command -v qemu-aarch64-static || true)}
	[ -n "$emulator" ] || {
		echo "container.sh: qemu-aarch64-static is not here: apt install qemu-user-static" >&2
		exit 1
	}
	export IN_NAMESPACE=yes
	exec sh firmware_configs/image/namespace.sh "$emulator" sh firmware_configs/container.sh
fi
if [ ! -e "$work/base.tar" ]; then
	mmdebstrap --architectures="$arch" --variant=minbase --skip=check/qemu trixie "$work/base.part.tar"
	mv "$work/base.part.tar" "$work/base.tar"
fi
printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' >"$work/Dockerfile.base"
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
buildah bud --arch "$arch" -t "localhost/edgespec-base-$arch" -f "$work/Dockerfile.base" "$work"
# shellcheck disable=SC2086
buildah bud --layers --arch "$arch" --format docker ${BUILDAH_OPTIONS:-} \
	--build-arg "BASE=localhost/edgespec-base-$arch" --build-arg "CORE=$core" --build-arg "EXTRAS=${EXTRAS:-}" \
	-t "edgespec-$arch" -f Dockerfile.arm64 .
container=$(buildah from "edgespec-$arch")
trap 'buildah rm "$container" >/dev/null' EXIT
buildah run "$container" -- /opt/edgespec/bin/edgespec --version
# Kernels that were put into the cache are found there: compiling them would be said.
buildah run "$container" -- /opt/edgespec/bin/edgespec monitor --source sim:lte-dl --duration 1 \
	--json >"$work/said.jsonl" 2>"$work/log"
if grep 'compiling loops for this processor' "$work/log"; then
	echo "container.sh: kernels of the image were not taken" >&2
	exit 1
fi
echo "edgespec-$arch is built, starts, and takes the kernels that are in it"
