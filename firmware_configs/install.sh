#!/bin/sh
# Puts edgespec on a board with systemd (Debian, Raspberry Pi OS, Ubuntu), or takes it off again.
# It says every single thing that it does, changes nothing that is already as it should be, and never
# overwrites a configuration. `sh install.sh --dry-run` only says.
set -eu

usage() {
	cat <<'USAGE'
Usage: install.sh [OPTIONS]             install, or install anew over an older one
       install.sh --uninstall [--purge] take it off; --purge takes what it knows and heard, too

  --profile NAME    board whose settings a new observer begins with: one of boards/*.toml
                    (default: by what the device tree says of the board, else x86-64)
  --instance NAME   the observer's name: /etc/edgespec/NAME.toml, edgespec@NAME (default: observer)
  --from WHEEL|DIR  install the program into /opt/edgespec from a wheel, or a folder with the
                    source; without it the program is left as it is
  --extras LIST     with --from: what else the program is to do, such as web,updates:
                    web (the page), updates (signed models), prometheus, pictures, twin (its map)
  --wheels DIR      take every package from this folder; nothing is fetched
  --rtl-tcp         also rtl_tcp.service, which serves a dongle to several programs
  --twin            also edgespec-twin.service, the central unit of sites
  --broker          also the files for mosquitto; they take the place of no other's
  --enable          start the observer now and at each boot
  --dry-run         say what would be done, and do nothing
  -h, --help        this text

Environment: DESTDIR, a root other than /, in which only files are laid: no user, no program, no
service. PYTHON, which makes the program's virtual environment (default: python3).
USAGE
}

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${DESTDIR:-}
python=${PYTHON:-python3}
profile='' instance=observer from='' extras='' wheels=''
rtl_tcp=no twin=no broker=no enable=no dry_run=no uninstall=no purge=no

fail() {
	printf 'install.sh: %s\n' "$1" >&2
	exit 2
}

needs_value() { [ "$2" -ge 2 ] || fail "$1 needs a value; see install.sh --help"; }

while [ $# -gt 0 ]; do
	case $1 in
	--profile) needs_value "$1" $# && profile=$2 && shift ;;
	--instance) needs_value "$1" $# && instance=$2 && shift ;;
	--from) needs_value "$1" $# && from=$2 && shift ;;
	--extras) needs_value "$1" $# && extras=$2 && shift ;;
	--wheels) needs_value "$1" $# && wheels=$2 && shift ;;
	--rtl-tcp) rtl_tcp=yes ;;
	--twin) twin=yes ;;
	--broker) broker=yes ;;
	--enable) enable=yes ;;
	--dry-run) dry_run=yes ;;
	--uninstall) uninstall=yes ;;
	--purge) purge=yes ;;
	-h | --help) usage && exit 0 ;;
	*) fail "what is $1? install.sh --help lists the options" ;;
	esac
	shift
done

say() { printf '%s\n' "$*"; }

# Says a command and carries it out.
run() {
	say "+ $*"
	[ "$dry_run" = yes ] || "$@"
}

# Of the running system, not of a folder that becomes one.
on_system() { [ -z "$root" ]; }

# lay SOURCE TARGET MODE [GROUP]: a file that is ours, renewed where it differs.
lay() {
	target=$root$2
	if [ -e "$target" ] && cmp -s "$1" "$target"; then
		say "  $2 is as it should be"
		return
	fi
	if [ -e "$target" ]; then say "  $2 is renewed"; else say "  $2 is new"; fi
	put "$@"
}

# keep SOURCE TARGET MODE [GROUP]: a file that becomes the user's, laid only where there is none.
keep() {
	if [ -e "$root$2" ]; then
		say "  $2 is there and stays"
		return
	fi
	say "  $2 is new, and yours to change"
	put "$@"
}

# An interrupted copy leaves the old file, not half of a new one.
put() {
	[ "$dry_run" = yes ] && return
	mkdir -p "$(dirname "$root$2")"
	cp "$1" "$root$2.new"
	chmod "$3" "$root$2.new"
	if on_system && [ $# -ge 4 ]; then chgrp "$4" "$root$2.new"; fi
	mv "$root$2.new" "$root$2"
}

# take SOURCE TARGET: a file that is ours goes, unless somebody has changed it.
take() {
	target=$root$2
	if [ ! -e "$target" ]; then return; fi
	if ! cmp -s "$1" "$target"; then
		say "  $2 was changed here, or is of another version, and stays"
		return
	fi
	say "  $2 goes"
	[ "$dry_run" = yes ] || rm "$target"
}

# What is ours, with where it goes: each with `lay` or `take`.
files_with() {
	"$1" "$here/udev/60-edgespec-rtlsdr.rules" /etc/udev/rules.d/60-edgespec-rtlsdr.rules 644
	"$1" "$here/modprobe/edgespec-rtlsdr.conf" /etc/modprobe.d/edgespec-rtlsdr.conf 644
	"$1" "$here/systemd/edgespec@.service" /etc/systemd/system/edgespec@.service 644
	if [ "$rtl_tcp" = yes ]; then
		"$1" "$here/systemd/rtl_tcp.service" /etc/systemd/system/rtl_tcp.service 644
	fi
	if [ "$twin" = yes ]; then
		"$1" "$here/systemd/edgespec-twin.service" /etc/systemd/system/edgespec-twin.service 644
	fi
	if [ "$broker" = yes ]; then
		"$1" "$here/mosquitto/edgespec.conf" /etc/mosquitto/conf.d/edgespec.conf 644
		"$1" "$here/mosquitto/edgespec.acl" /etc/mosquitto/edgespec.acl 640 mosquitto
	fi
}

profile_of_board() {
	model=$(tr -d '\0' 2>/dev/null </proc/device-tree/model || true)
	case $model in
	*'Pi Zero 2'*) echo pi-zero-2w ;;
	*'Raspberry Pi 4'* | *'Compute Module 4'*) echo pi-4 ;;
	*'Raspberry Pi 5'* | *'Compute Module 5'*) echo pi-5 ;;
	*'Orin Nano'*) echo jetson-orin-nano ;;
	*) echo x86-64 ;;
	esac
}

# What can be told before anything is done.
check_python() {
	command -v "$python" >/dev/null ||
		fail "there is no $python; apt install python3 python3-venv, or PYTHON names another one"
	"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
		fail "$("$python" --version) is too old, it takes 3.11 or newer; PYTHON names another one"
	[ -x /opt/edgespec/bin/pip ] || "$python" -c 'import ensurepip' 2>/dev/null ||
		fail "$python makes no virtual environments; apt install python3-venv"
}

install_program() {
	if [ -z "$from" ]; then
		say "The program is left as it is; --from installs it."
		return
	fi
	say "The program, into /opt/edgespec, from $from:"
	# Where the last one was made without python3-venv, it has no pip.
	[ -x /opt/edgespec/bin/pip ] || run "$python" -m venv /opt/edgespec
	# Compiling packages takes hours on a board: what has no wheel is refused. The source of edgespec
	# itself is Python alone.
	set -- --disable-pip-version-check --only-binary :all:
	if [ -n "$wheels" ]; then set -- "$@" --no-index --find-links "$wheels"; fi
	run /opt/edgespec/bin/pip install "$@" --upgrade "$from${extras:+[$extras]}"
	# pip takes a wheel of the same version for the same program.
	run /opt/edgespec/bin/pip install "$@" --force-reinstall --no-deps "$from"
}

install_all() {
	if on_system; then
		say "The user edgespec, who may open radios (group plugdev):"
		getent group plugdev >/dev/null || run groupadd --system plugdev
		if getent passwd edgespec >/dev/null; then
			say "  is there"
		else
			run useradd --system --groups plugdev --home-dir /var/lib/edgespec --no-create-home edgespec
		fi
		install_program
	else
		say "Only files, into $root: no user, no program, no service."
	fi
	say "Files:"
	files_with lay
	keep "$here/boards/$profile.toml" "/etc/edgespec/$instance.toml" 640 edgespec
	if [ "$twin" = yes ]; then
		keep "$here/twin/twin.toml" /etc/edgespec/twin.toml 640 edgespec
		[ "$dry_run" = yes ] || mkdir -p "$root/etc/edgespec/sites"
	fi
	if [ "$broker" = yes ]; then
		# Without it mosquitto does not start; empty, nobody may log in.
		keep /dev/null /etc/mosquitto/edgespec.passwd 640 mosquitto
	fi
	if on_system; then
		say "What runs:"
		run systemctl daemon-reload
		run udevadm control --reload
		run udevadm trigger --subsystem-match=usb
		# An observer is up with its first samples: without a radio, to wait for it has no end.
		if [ -n "$from" ]; then run systemctl --no-block try-restart 'edgespec@*.service'; fi
		if [ "$enable" = yes ]; then
			[ "$rtl_tcp" = no ] || run systemctl enable --now rtl_tcp.service
			[ "$twin" = no ] || run systemctl enable --now edgespec-twin.service
			run systemctl --no-block enable --now "edgespec@$instance.service"
		fi
	fi
	say "Next:"
	say "  edit /etc/edgespec/$instance.toml (edgespec setup --list: radios and bands here)"
	say "  /opt/edgespec/bin/edgespec doctor -c /etc/edgespec/$instance.toml"
	if [ "$broker" = yes ]; then
		say "  mosquitto_passwd /etc/mosquitto/edgespec.passwd USER, for each user (README.md)"
	fi
	[ "$enable" = yes ] || say "  systemctl --no-block enable --now edgespec@$instance"
	say "A dongle that the television driver holds is free after a reboot."
}

uninstall_all() {
	rtl_tcp=yes twin=yes broker=yes
	if on_system; then
		say "What runs:"
		for unit in $(systemctl list-units --all --plain --no-legend 'edgespec@*' |
			cut -d ' ' -f 1); do
			run systemctl disable --now "$unit"
		done
		for unit in edgespec-twin.service rtl_tcp.service; do
			if [ -e "/etc/systemd/system/$unit" ]; then run systemctl disable --now "$unit"; fi
		done
	fi
	say "Files:"
	files_with take
	if on_system; then
		run systemctl daemon-reload
		if [ -d /opt/edgespec ]; then run rm -r /opt/edgespec; fi
	fi
	folders="/etc/edgespec /var/lib/edgespec /var/lib/edgespec-twin /var/cache/edgespec"
	for folder in $folders; do
		if [ ! -d "$root$folder" ]; then continue; fi
		if [ "$purge" = yes ]; then
			run rm -r "$root$folder"
		else
			say "  $folder stays; --purge takes it, too"
		fi
	done
	if on_system && [ "$purge" = yes ] && getent passwd edgespec >/dev/null; then
		run userdel edgespec
	fi
}

case $instance in
'' | *[!A-Za-z0-9_-]* | twin) fail "--instance $instance: letters, digits, - and _, and not twin" ;;
esac
[ -n "$profile" ] || profile=$(profile_of_board)
if [ ! -f "$here/boards/$profile.toml" ]; then
	known=$(cd "$here/boards" && for file in *.toml; do printf ' %s' "${file%.toml}"; done)
	fail "--profile $profile is none of:$known"
fi
[ -z "$from" ] || [ -e "$from" ] || fail "--from $from: there is no such file or folder"
# pip takes a bare name for a package of the internet.
case $from in '' | /*) ;; *) from=$PWD/$from ;; esac
if [ -n "$extras" ] && [ -z "$from" ]; then fail "--extras goes with --from"; fi
for extra in $(printf %s "$extras" | tr ',' ' '); do
	case $extra in
	web | updates | prometheus | pictures | twin) ;;
	*) fail "--extras $extras: $extra is none of: web updates prometheus pictures twin" ;;
	esac
done
[ -z "$wheels" ] || [ -d "$wheels" ] || fail "--wheels $wheels: there is no such folder"
if [ "$purge" = yes ] && [ "$uninstall" = no ]; then fail "--purge goes with --uninstall"; fi
if [ "$broker" = yes ] && on_system && ! getent group mosquitto >/dev/null; then
	fail "--broker: mosquitto is not here; apt install mosquitto"
fi
if on_system && [ "$dry_run" = no ]; then
	[ "$(id -u)" -eq 0 ] || fail "this needs root: sudo sh $0; --dry-run only says what it would do"
	command -v systemctl >/dev/null || fail "this system has no systemd (systemctl); DESTDIR=FOLDER only lays files"
	if [ "$uninstall" = no ] && [ -n "$from" ]; then check_python; fi
fi
[ "$dry_run" = no ] || say "Nothing is done; this is what would be."
if [ "$uninstall" = yes ]; then uninstall_all; else install_all; fi
