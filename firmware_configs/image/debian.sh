# shellcheck shell=sh disable=SC2154,SC2119,SC2120
# To be read by a script, not run: makes a root of Debian for a board in WORK/root, of what packages.sh
# has laid into WORK/board (its packages) and WORK/native (those of this machine's processor, where it
# is another one). The script has $work and runs in the namespace of namespace.sh.
#
# Maintainer scripts of packages run in the board's root, but the shell, Perl, Python and whatever
# else they call are those of this machine's processor, of the same release: first they lie where the
# board's come to lie, then they are mounted over these. Emulated, all that takes an hour. What knows
# the processor (dpkg, ldconfig) is emulated. In the end nothing of this machine may be left.

board=$work/board native=$work/native root=$work/root
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true

say() { printf '%s %s\n' "$(date +%H:%M:%S)" "$*"; }

fail() {
	printf '%s: %s\n' "${0##*/}" "$1" >&2
	exit 1
}

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
	# There may be none beside essential ones.
	grep -vxFf "$board/essential" "$board/list" || [ $? -eq 1 ]
	grep -vE "$last|^lib" "$board/essential"
	grep -E "$last" "$board/essential"
}

# Runs dpkg, which says much, and shows the end of it where it fails.
quietly() {
	"$@" >>"$work/dpkg.log" 2>&1 || {
		tail -n 30 "$work/dpkg.log" >&2
		fail "that is the end of what dpkg said; all of it is in $work/dpkg.log"
	}
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
	: >"$work/dpkg.log"
	in_order | sed "s|^|$board/debs/|" >"$work/order"
	# shellcheck disable=SC2046
	quietly dpkg --root="$root" --log="$root/var/log/dpkg.log" \
		--force-architecture --force-depends --force-unsafe-io --no-pager \
		--path-exclude='/usr/share/man/*' --path-exclude='/usr/share/info/*' \
		--path-exclude='/usr/share/locale/*' --path-exclude='/usr/share/doc/*' \
		--path-include='/usr/share/doc/*/copyright' --unpack $(cat "$work/order")
	rm -f "$root/var/lib/dpkg/arch"
}

configure_packages() {
	say "packages are configured"
	lay_native
	# The initial RAM disk comes later.
	quietly in_root env INITRD=No dpkg --force-unsafe-io --force-confnew --configure -a
}

# write_sources SUITE COMPONENTS: the board's own apt looks at MIRROR.
write_sources() {
	cat >"$root/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: $MIRROR
Suites: $1 $1-updates
Components: $2
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: ${MIRROR%/debian}/debian-security
Suites: $1-security
Components: $2
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
}

# Lets what is of this machine's processor go, where no package of the board has taken its place.
sweep_native() {
	[ -d "$native" ] || return 0
	rm -rf "$root/usr/lib64" "${root:?}/lib64" "$root/usr/lib/x86_64-linux-gnu"
	foreign | while read -r path; do
		rm "$path"
	done
}

# Ends all mounts in the root. Fails where something of this machine's processor is left in it.
close_root() {
	rm -f "$root/usr/sbin/policy-rc.d"
	umount -R "$root/dev" "$root/proc" "$root/run"
	[ -d "$native" ] || return 0
	left=$(foreign)
	[ -z "$left" ] || fail "programs of this machine are left: $left"
}

# Programs and libraries in the root that are for x86-64.
foreign() {
	# shellcheck disable=SC2016
	find "$root/usr" "$root/opt" -type f -size +63c -print0 | perl -0 -ne 'chomp; open(F, "<", $_) or next;
		print "$_\n" if read(F, $_[0], 20) == 20 and $_[0] =~ /^\x7fELF/ and unpack("x18v", $_[0]) == 62'
}
