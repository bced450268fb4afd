#!/bin/sh
# layers.sh WORK ARCHITECTURE CORE: lays Dockerfile.arm64 over WORK/base.tar by buildah, and tries the
# image, for container.sh. BUILDAH_OPTIONS, EXTRAS and KERNELS are as there.
set -eu

work=$1 arch=$2 core=$3
cd "$(dirname "$0")/../.."
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

fail() {
	printf 'layers.sh: %s\n' "$1" >&2
	exit 1
}

say "the base becomes an image"
printf 'FROM scratch\nADD base.tar /\nCMD ["bash"]\n' >"$work/Dockerfile.base"
# By layers, or the next call would find none of those over it again.
buildah bud --layers --quiet --arch "$arch" -t "localhost/edgespec-base-$arch" \
	-f "$work/Dockerfile.base" "$work" >/dev/null
say "layers are built"
# shellcheck disable=SC2086
buildah bud --layers --arch "$arch" --format docker ${BUILDAH_OPTIONS:-} \
	--build-arg "BASE=localhost/edgespec-base-$arch" --build-arg "CORE=$core" \
	--build-arg "EXTRAS=${EXTRAS:-}" --build-arg "KERNELS=$KERNELS" -t "edgespec-$arch" -f Dockerfile.arm64 .

say "the image is tried"
container=$(buildah from --arch "$arch" "edgespec-$arch")
trap 'buildah rm "$container" >/dev/null' EXIT
trap 'exit 130' INT TERM
check=$(buildah inspect --format '{{index .Docker.Config.Healthcheck.Test 3}}' "$container")
how=
[ "$KERNELS" = yes ] || how='--computing plain --backend litert'
# Its health check, before, during and after a second of a simulated cell.
# shellcheck disable=SC2016
buildah run "$container" -- sh -c '
is_well() { sh -c "$1"; }
/opt/edgespec/bin/edgespec --version
is_well "$1" 2>/dev/null && echo "well before anything runs" >&2 && exit 1
/opt/edgespec/bin/edgespec monitor --source sim:lte-dl --duration 1 --json $2 >/dev/null &
until is_well "$1" 2>/dev/null; do
	kill -0 "$!" 2>/dev/null || { echo "it ended, and was never well" >&2; exit 1; }
	sleep 0.2
done
echo "well while it watches"
wait "$!" || { echo "it ended with $?" >&2; exit 1; }
is_well "$1" 2>/dev/null && echo "well when it is gone" >&2 && exit 1
exit 0' sh "$check" "$how" 2>"$work/log" || {
	tail -n 20 "$work/log" >&2
	fail "the image does not do what it should; all that it said is in $work/log"
}
if [ "$KERNELS" = no ]; then
	say "edgespec-$arch is built, starts and is well; it compiles its kernels at its first start"
	exit 0
fi
# Kernels that were put into the cache are found there: compiling them would be said.
if grep 'compiling loops for this processor' "$work/log"; then
	fail "kernels of the image were not taken"
fi
say "edgespec-$arch is built, starts, is well, and takes the kernels that are in it"
