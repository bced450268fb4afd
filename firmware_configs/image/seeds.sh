#!/bin/sh
# seeds.sh PROFILE FOLDER: lays the three files that cloud-init reads at a card's first boot into
# FOLDER. They are those of cloud-init/, but the program is there already, and the observer begins
# with all of its board's profile, to be changed on the card.
set -eu

files=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
profile=$files/boards/$1.toml
mkdir -p "$2"
cp "$files/cloud-init/meta-data" "$files/cloud-init/network-config" "$2"
host=$(sed -n 's/^hostname: //p' "$files/cloud-init/user-data")
{
	cat <<HEAD
#cloud-config
# First boot of this card. Change it here before that; a new instance-id in meta-data makes cloud-init
# do it once more.
HEAD
	# Who may log in: from the name of the host to the packages.
	sed -n '/^hostname:/,/^package_update:/p' "$files/cloud-init/user-data" | sed '$d'
	cat <<CONFIG
write_files:
  - path: /etc/edgespec/observer.toml
    permissions: "0644"
    content: |
      [node]
      id = "$host"

      #[mqtt]
      #url = "mqtt://broker.example:1883"
      #username = "$host"
      #password_file = "/etc/edgespec/mqtt.password"

CONFIG
	sed 's/^./      &/' "$profile"
} >"$2/user-data"
