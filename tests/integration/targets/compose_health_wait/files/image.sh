#!/bin/sh
# Make the image $1 exist: a shell and a few commands, pulled where a registry answers, else from Debian's static busybox.
set -eu
docker image inspect "$1" >/dev/null 2>&1 && exit 0
if timeout 15 docker pull -q busybox:stable >/dev/null 2>&1; then
    docker tag busybox:stable "$1"
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq busybox-static || { apt-get update -qq && apt-get download -qq busybox-static; }
dpkg -x busybox-static_*.deb package
busybox=$(find package -type f -path '*bin/busybox')
mkdir -p root/bin
cp "$busybox" root/bin/busybox
for applet in sh sleep true false echo; do ln -s busybox "root/bin/$applet"; done
tar -C root -c . | docker import - "$1" >/dev/null
