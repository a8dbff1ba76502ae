#!/bin/sh
# Like the official image: create the database in a new directory, then run it.
set -eu
data=/var/lib/postgresql/data
if [ "$(id -u)" -eq 0 ]; then # a directory of the host belongs to root
    install -d -o postgres -m 700 "$data"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0"
fi
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
if [ ! -s "$data/PG_VERSION" ]; then
    initdb --auth=trust --no-sync "$data" >/dev/null
    echo 'host all all all trust' >>"$data/pg_hba.conf"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
