#!/bin/sh
# Install Debian packages: `apt-install.sh PACKAGE …`. If that is not possible, print what to do.
set -eu

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    printf 'apt-install: this needs %s: run make as root on Debian or Ubuntu, or install it yourself\n' "$*" >&2
    exit 1
fi
printf 'apt-install: installing %s\n' "$*"
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
