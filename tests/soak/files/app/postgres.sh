#!/bin/sh
# As the official image does it: a new directory is made a database, then it runs.
set -eu
PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    initdb --auth=trust --no-sync "$data" >/dev/null
    echo 'host all all all trust' >>"$data/pg_hba.conf"
fi
exec postgres -D "$data" -c listen_addresses='*' -c unix_socket_directories=/tmp
