#!/bin/sh
# mirror.sh: says from where this machine's apt takes Debian. Says nothing where that is no Debian.
set -eu

# shellcheck disable=SC2016
apt-get indextargets --format '$(REPO_URI)' 2>/dev/null |
	sed -n '/\/debian\/*$/{s|/*$||p;q}'
