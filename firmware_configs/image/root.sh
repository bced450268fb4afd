#!/bin/sh
# root.sh WORK: makes WORK/root.ext4 and WORK/boot, in the namespace of namespace.sh, of what build.sh
# has laid into WORK: packages for the board and for this machine, the program, the settings.
#
# Maintainer scripts of packages run in the board's root, but the shell, Perl, Python and whatever
# else they call are those of this machine's processor, of the same release: first they lie where the
# board's come to lie, then they are mounted over these. Emulated, all that takes an hour. What knows
# the processor (dpkg, ldconfig) is emulated. In the end nothing of this machine may be left.
set -eu

work=$1
files=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
board=$work/board native=$work/native root=$work/root
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

in_root() { PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"; }

# extract FROM TO: packages without their scripts; that with the links of /bin and /lib first.
extract() {
	mkdir -p "$2"
	{
		grep '^base-files_' "$1/list"
		grep -v '^base-files_' "$1/list"
	} | while read -r file; do
		dpkg-deb --fsys-tarfile "$1/debs/$file" | tar -C "$2" -xp --exclude='./usr/share/doc/*' \
			--exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
	done
}

# The few devices that scripts need, and processes.
mount_kernel() {
	mount -t tmpfs -o mode=755 dev "$root/dev"
	for name in null zero full random urandom tty; do
		: >"$root/dev/$name"
		mount --bind "/dev/$name" "$root/dev/$name"
	done
	mkdir "$root/dev/shm" "$root/dev/pts"
	ln -s /proc/self/fd "$root/dev/fd"
	mount -t proc proc "$root/proc"
	mount -t tmpfs run "$root/run"
}

# Lays this machine's programs over the board's: those that are named, or all that do not know the
# processor they run on. Their libraries lie beside the board's since the beginning.
lay_native() {
	[ -d "$native" ] || return 0
	for program in "$native"/root/usr/bin/* "$native"/root/usr/sbin/*; do
		name=${program##*/}
		path=$root${program#"$native/root"}
		case $name in dpkg | dpkg-query | ldconfig | iconv) continue ;; esac
		if [ $# -gt 0 ]; then
			case " $* " in *" $name "*) ;; *) continue ;; esac
		fi
		if [ -L "$program" ] || [ -L "$path" ] || [ ! -f "$path" ]; then continue; fi
		# A script is the same one on every processor.
		[ "$(head -c 4 "$program" | tail -c 3)" = ELF ] || continue
		mount --bind "$program" "$path"
	done
}

take_native() {
	grep -o " $root/usr/s\?bin/[^ ]*" /proc/mounts | while read -r path; do
		umount "$path"
	done
}

# Files of packages in the order in which they are unpacked: libraries first, so that what is emulated
# finds them; what all scripts call last, so that till then it is not.
in_order() {
	last='^(dash|bash|coreutils|perl-base|sed|grep|debconf|diffutils|findutils|mawk|dpkg|debianutils)_'
	grep '^lib' "$board/essential"
	grep -vxFf "$board/essential" "$board/list"
	grep -vE "$last|^lib" "$board/essential"
	grep -E "$last" "$board/essential"
}

unpack_packages() {
	say "$(wc -l <"$board/list") packages are unpacked"
	if [ -d "$native" ]; then
		extract "$native" "$native/root"
		cp -a "$native/root" "$root"
	else
		extract "$board" "$root"
	fi
	# Scripts need one before mawk is configured.
	[ -e "$root/usr/bin/awk" ] || ln -s mawk "$root/usr/bin/awk"
	mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates" "$root/var/lib/dpkg/triggers"
	: >"$root/var/lib/dpkg/status"
	printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
	chmod 755 "$root/usr/sbin/policy-rc.d"
	mount_kernel
	in_order | sed "s|^|$board/debs/|" | xargs dpkg --root="$root" --log="$root/var/log/dpkg.log" \
		--force-architecture --force-depends --force-unsafe-io --no-pager \
		--path-exclude='/usr/share/man/*' --path-exclude='/usr/share/info/*' \
		--path-exclude='/usr/share/locale/*' --path-exclude='/usr/share/doc/*' \
		--path-include='/usr/share/doc/*/copyright' --unpack
	rm -f "$root/var/lib/dpkg/arch"
}

configure_packages() {
	say "packages are configured"
	lay_native
	# The initial RAM disk comes later.
	INITRD=No in_root dpkg --force-unsafe-io --force-confnew --configure -a
}

# Lets what is of this machine's processor go, where no package of the board has taken its place.
sweep_native() {
	rm -rf "$root/usr/lib64" "${root:?}/lib64" "$root/usr/lib/x86_64-linux-gnu"
	foreign | while read -r path; do
		rm "$path"
	done
}

# Programs and libraries in the root that are for x86-64.
foreign() {
	# shellcheck disable=SC2016
	find "$root/usr" "$root/opt" -type f -size +63c -print0 | perl -0 -ne 'chomp; open(F, "<", $_) or next;
		print "$_\n" if read(F, $_[0], 20) == 20 and $_[0] =~ /^\x7fELF/ and unpack("x18v", $_[0]) == 62'
}

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
	cat >"$root/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: http://deb.debian.org/debian
Suites: $SUITE $SUITE-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: $SUITE-security
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
	mkdir -p "$root/etc/cloud/cloud.cfg.d"
	echo 'datasource_list: [NoCloud]' >"$root/etc/cloud/cloud.cfg.d/99-edgespec.cfg"
	echo edgespec >"$root/etc/hostname"
	printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
	# Each card makes its own.
	: >"$root/etc/machine-id"
	rm -f "$root"/etc/ssh/ssh_host_* "$root/var/lib/dbus/machine-id" "$root/usr/sbin/policy-rc.d"
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
	umount -R "$root/dev" "$root/proc" "$root/run"
	left=$(foreign)
	[ -z "$left" ] || fail "programs of this machine are left: $left"
	kib=$(du -sk "$root" | cut -f 1)
	# What the first start writes, before the file system is grown.
	mb=$((kib * 112 / 102400 + 256))
	rm -f "$work/root.part"
	mke2fs -q -t ext4 -L edgespec -m 1 -d "$root" "$work/root.part" "${mb}M"
	mv "$work/root.part" "$work/root.ext4"
	rm -rf "$root"
}

fail() {
	printf 'root.sh: %s\n' "$1" >&2
	exit 1
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
