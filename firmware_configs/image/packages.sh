#!/bin/sh
# packages.sh FOLDER ARCHITECTURE SUITE MIRROR PACKAGE...: fetches Debian packages and all that they
# depend on into FOLDER/debs, without root, whatever this machine is. FOLDER/list and
# FOLDER/essential name their files. What is there from before is not fetched again.
set -eu

folder=$1 architecture=$2 suite=$3 mirror=$4
shift 4

mkdir -p "$folder/state/lists/partial" "$folder/debs/partial" "$folder/none/partial"
: >"$folder/status"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
for part in "$mirror $suite" "$mirror $suite-updates" "${mirror%/debian}/debian-security $suite-security"; do
	# Firmware of the Raspberry Pi is not free, and the seller of the board lets it be passed on.
	echo "deb [signed-by=$keyring] $part main non-free-firmware"
done >"$folder/sources.list"
# The settings of this machine, such as a proxy, stay; which packages it has does not matter.
cat >"$folder/apt.conf" <<CONF
#clear APT::Architectures;
APT::Architectures { "$architecture"; };
APT::Architecture "$architecture";
APT::Install-Recommends "false";
APT::Sandbox::User "$(id -un)";
Dir::State "$folder/state";
Dir::State::status "$folder/status";
Dir::Cache "$folder";
Dir::Cache::archives "debs";
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
CONF

# Behind the files of this machine, so that nothing of theirs comes after it.
apt() {
	set -- apt-get --quiet --quiet --assume-yes --option "Dir::State::status=$folder/status" "$@"
	APT_CONFIG=$folder/apt.conf "$@"
}

# Names of the files of packages, of which none seems to be here.
files_of() {
	apt --option Dir::Cache::archives=none --print-uris install "$@" | cut -d ' ' -f 2
}

apt update
files_of "$@" >"$folder/list"
files_of '?essential' >"$folder/essential"
apt install --download-only "$@"
