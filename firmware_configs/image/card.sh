#!/bin/sh
# card.sh BOOT ROOT BOOT_MB SIZE CARD: joins the folder BOOT, as a FAT32 partition of BOOT_MB MiB, and
# the ext4 image ROOT to the image CARD of SIZE bytes, or '' for the least. No root and no mounts; an
# older CARD stays until the new one is whole.
set -eu

boot=$1 root=$2 boot_mb=$3 size=$4 card=$5
# Of the boot partition: the firmware of a Pi looks for the first FAT partition, wherever it begins.
first_mb=4
mb=1048576

fail() {
	printf 'card.sh: %s\n' "$1" >&2
	exit 2
}

root_mb=$((($(stat -c %s "$root") + mb - 1) / mb))
least=$(((first_mb + boot_mb + root_mb) * mb))
[ -n "$size" ] || size=$least
if [ "$size" -lt "$least" ]; then
	fail "a card of $((size / mb)) MiB is too small: boot and root take $((least / mb)) MiB"
fi
# mtools makes FAT32 of 33 MiB and more.
[ "$boot_mb" -ge 34 ] || fail "a boot partition of $boot_mb MiB is too small for FAT32: give 34 or more"
needs=$(du -sk "$boot" | cut -f 1)
if [ $((needs / 1024 + 4)) -gt "$boot_mb" ]; then
	fail "$boot holds $((needs / 1024)) MiB, more than a boot partition of $boot_mb MiB takes"
fi

part=$card.part
trap 'rm -f "$part" "$part.fat"' EXIT
trap 'exit 130' INT TERM
rm -f "$part" "$part.fat"
truncate -s "$size" "$part"
sfdisk --quiet "$part" <<TABLE
label: dos
start=${first_mb}MiB, size=${boot_mb}MiB, type=c, bootable
start=$((first_mb + boot_mb))MiB, type=83
TABLE
# cloud-init looks for its seeds in a partition of this name.
truncate -s "${boot_mb}M" "$part.fat"
mformat -i "$part.fat" -F -v CIDATA ::
for item in "$boot"/*; do
	mcopy -i "$part.fat" -s -m "$item" ::
done
dd if="$part.fat" of="$part" bs=1M seek="$first_mb" conv=notrunc,sparse status=none
dd if="$root" of="$part" bs=1M seek=$((first_mb + boot_mb)) conv=notrunc,sparse status=none
sync "$part"
mv "$part" "$card"
