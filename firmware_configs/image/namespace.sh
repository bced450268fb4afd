#!/bin/sh
# namespace.sh EMULATOR COMMAND...: runs a command as root of a user namespace of its own, where the
# kernel gives programs for 64-bit ARM to the emulator. Mounts and the registration end with it, and
# this machine's own are left alone. Needs Linux 6.7, and root or a range of uids in /etc/subuid.
set -eu

emulator=$1
shift

fail() {
	printf 'namespace.sh: %s\n' "$1" >&2
	exit 1
}

ends=$(mktemp -d)
trap 'rm -rf "$ends"' EXIT
mkfifo "$ends/mapped"
# What is run in the namespace first, and stays its first process: by another one, with more rights, it
# would forget to end with unshare. A mask of binfmt_misc: any little-endian 64-bit ELF for ARM.
# shellcheck disable=SC2016
inside='
read -r _ <"$1/mapped"
magic="\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00"
mask="\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff"
if [ "$2" != none ]; then
	mount -t binfmt_misc none /proc/sys/fs/binfmt_misc || {
		echo "namespace.sh: this kernel has no binfmt_misc of a namespace; it takes Linux 6.7" >&2
		exit 1
	}
	printf "%s" ":arm64:M::$magic:$mask:$2:F" >/proc/sys/fs/binfmt_misc/register
fi
shift 2
"$@"'
if [ "$(id -u)" -eq 0 ]; then
	unshare --user --mount --pid --fork --kill-child --mount-proc \
		sh -c "$inside" sh "$ends" "$emulator" "$@" &
	process=$!
	# Until it has its namespace, this one's map is seen there, and it is full.
	until [ "$(readlink /proc/$process/ns/user)" != "$(readlink /proc/$$/ns/user)" ]; do
		kill -0 "$process" 2>/dev/null || fail "this kernel gives root no namespace of users, see above"
		sleep 0.1
	done
	[ -e "/proc/$process" ] || fail "this kernel gives root no namespace of users, see above"
	echo '0 0 65536' >"/proc/$process/uid_map"
	echo '0 0 65536' >"/proc/$process/gid_map"
else
	unshare --map-root-user --map-auto --mount --pid --fork --kill-child --mount-proc \
		sh -c "$inside" sh "$ends" "$emulator" "$@" &
	process=$!
fi
# unshare heeds no other signal; all that runs in the namespace goes with it.
trap 'kill -KILL "$process" 2>/dev/null; exit 130' INT TERM
# Open in both directions, or this would wait for ever where the other side could not start.
exec 3<>"$ends/mapped"
echo >&3
wait "$process"
