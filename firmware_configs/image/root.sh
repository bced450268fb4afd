#!/bin/sh
# root.sh WORK: makes WORK/root.ext4 and WORK/boot, in the namespace of namespace.sh, of what build.sh
# has laid into WORK: packages for the board and for this machine, the program, the settings.
set -eu

work=$1
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
files=$(dirname "$here")
# shellcheck source=firmware_configs/image/debian.sh
. "$here/debian.sh"

# The program: packages that build.sh has laid into site, in a virtual environment as install.sh
# makes one.
install_program() {
	say "the program"
	opt=$root/opt/edgespec
	python=$(in_root python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
	packages=$opt/lib/$python/site-packages
	mkdir -p "$opt/bin" "$opt/lib/$python"
	cp -r "$work/site" "$packages"
	printf 'home = /usr/bin\ninclude-system-site-packages = false\n' >"$opt/pyvenv.cfg"
	ln -s /usr/bin/python3 "$opt/bin/python3"
	ln -s python3 "$opt/bin/python"
	for script in edgespec edgespec-converter pip; do
		sed '1s|^#!.*|#!/opt/edgespec/bin/python|' "$packages/bin/$script" >"$opt/bin/$script"
		chmod 755 "$opt/bin/$script"
	done
	rm -r "${packages:?}/bin"
	# The observer may not write there, and would compile everything at each start.
	in_root "$python" -m compileall -q /opt/edgespec/lib
}

install_settings() {
	say "settings"
	options=
	[ "$BROKER" = no ] || options=--broker
	# shellcheck disable=SC2086
	DESTDIR=$root sh "$files/install.sh" --profile "$PROFILE" $options >"$work/install.log"
	in_root useradd --system --groups plugdev --home-dir /var/lib/edgespec --no-create-home edgespec
	in_root chgrp edgespec /etc/edgespec/observer.toml
	[ "$BROKER" = no ] || in_root chgrp mosquitto /etc/mosquitto/edgespec.acl /etc/mosquitto/edgespec.passwd
	in_root systemctl enable edgespec@observer.service

	cat >"$root/etc/fstab" <<'FSTAB'
LABEL=edgespec / ext4 defaults,noatime 0 1
LABEL=CIDATA /boot/firmware vfat defaults,noatime,umask=0077,nofail,x-systemd.before=cloud-init-local.service 0 2
FSTAB
	write_sources "$SUITE" "main non-free-firmware"
	mkdir -p "$root/etc/cloud/cloud.cfg.d"
	echo 'datasource_list: [NoCloud]' >"$root/etc/cloud/cloud.cfg.d/99-edgespec.cfg"
	echo edgespec >"$root/etc/hostname"
	printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
	# Each card makes its own.
	: >"$root/etc/machine-id"
	rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id"
}

# Modules that the device trees of the boards ask for (their card waits for a regulator, its clock and
# more), but for screens, sound and the like, and those of a virtual machine: of 4,000 that there are.
modules_of_boards() {
	trees=$root/usr/lib/linux-image-$kernel/broadcom
	modules=$root/usr/lib/modules/$kernel
	# Other words of the trees are no drivers' names.
	grep -aohE '[A-Za-z0-9,._+-]{4,}' "$trees"/bcm*.dtb | sort -u >"$work/compatible"
	sed -nE 's/^alias of:N[^ ]*T[^ ]*C([^ *]+)(C\*)? ([^ ]+)$/\1 \3/p' "$modules/modules.alias" |
		awk 'NR == FNR { is_there[$1]; next } $1 in is_there { print $2 }' "$work/compatible" - |
		sort -u | while read -r module; do
		# A name has - or _, whichever; its file tells what it is for.
		pattern=$(printf %s "$module" | sed 's/[-_]/[-_]/g')
		grep -qE "^kernel/(drivers/(gpu|media|staging|bluetooth|leds|thermal|pwm)|sound)/[^:]*/$pattern\.ko[^:]*:" "$modules/modules.dep" ||
			echo "$module"
	done
	printf '%s\n' ext4 mmc_block sd_mod usb_storage uas virtio_blk virtio_pci virtio_mmio virtio_net
}

make_boot() {
	kernel=$(cd "$root/usr/lib/modules" && ls)
	say "the initial RAM disk of $kernel"
	cat >>"$root/etc/default/raspi-firmware" <<'FIRMWARE'

# No screen, so no memory for one; a Pi 4 would not start with less than it takes by itself.
CMA=0
ROOTPART="LABEL=edgespec"
CONSOLES="tty0 ttyS1,115200"
FIRMWARE
	# For the first one alone: the board makes its next ones of all modules.
	cp "$root/etc/initramfs-tools/modules" "$work/modules"
	modules_of_boards >>"$root/etc/initramfs-tools/modules"
	printf 'MODULES=list\nFSTYPE=ext4\n' >"$root/etc/initramfs-tools/conf.d/first"
	# What goes into it must be the board's own.
	lay_native dash bash cp ln mkdir mktemp rm mv cat chmod touch readlink dirname basename stat find \
		sed grep mawk sort uniq cut tr head tail xargs du df cpio zstd sha1sum env ls ischroot sync \
		run-parts
	in_root update-initramfs -c -k "$kernel"
	take_native
	rm "$root/etc/initramfs-tools/conf.d/first"
	cp "$work/modules" "$root/etc/initramfs-tools/modules"
	for file in "vmlinuz-$kernel" "initrd.img-$kernel" config.txt cmdline.txt start4.elf bootcode.bin; do
		[ -s "$root/boot/firmware/$file" ] || fail "boot/firmware/$file was not made"
	done
	rm -rf "${work:?}/boot"
	mkdir "$work/boot"
	mv "$root"/boot/firmware/* "$work/boot/"
	cp "$SEEDS/user-data" "$SEEDS/meta-data" "$SEEDS/network-config" "$work/boot/"
}

make_root() {
	say "the root's file system"
	close_root
	kib=$(du -sk "$root" | cut -f 1)
	# What the first start writes, before the file system is grown.
	mb=$((kib * 112 / 102400 + 256))
	rm -f "$work/root.part"
	mke2fs -q -t ext4 -L edgespec -m 1 -d "$root" "$work/root.part" "${mb}M"
	mv "$work/root.part" "$work/root.ext4"
	rm -rf "$root"
}

cd "$work"
rm -rf root native/root root.ext4
unpack_packages
configure_packages
install_program
take_native
install_settings
make_boot
sweep_native
make_root
say "the root is made"
