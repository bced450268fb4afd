#!/bin/sh
# base.sh WORK: makes WORK/base.tar, a root of Debian for a container, in the namespace of
# namespace.sh, of the packages that container.sh has laid into WORK.
set -eu

work=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# shellcheck source=firmware_configs/image/debian.sh
. "$here/debian.sh"

cd "$work"
rm -rf root native/root base.part.tar
unpack_packages
configure_packages
take_native
write_sources "$SUITE" main
# A container has no use for them, and an emulated apt is slow with each.
printf '%s\n' 'Acquire::Languages "none";' 'APT::Keep-Downloaded-Packages "false";' \
	>"$root/etc/apt/apt.conf.d/container"
sweep_native
close_root
say "the base is packed"
tar -C root --numeric-owner -cf base.part.tar .
mv base.part.tar base.tar
rm -rf root native/root
