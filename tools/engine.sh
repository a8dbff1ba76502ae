#!/bin/sh
# `engine.sh up` ensures that a Docker Engine with Compose v2 runs; `engine.sh down` stops one that this started.
# It never replaces an installed Engine: if that lacks something, it prints what to do.
set -eu
here=$(dirname "$0")

log=/var/log/hotswap-dockerd.log
pidfile=/run/hotswap-dockerd.pid

say() { printf 'engine: %s\n' "$*"; }
die() { printf 'engine: %s\n' "$*" >&2; exit 1; }
answers() { docker info >/dev/null 2>&1; }
has_compose() { docker compose version >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# Debian 12 has no Compose v2, but Debian 13's packages run on it. Add that suite, from this machine's mirror.
add_trixie() {
    say "Debian 12: taking $* and what they need from Debian 13, by hotswap-trixie in /etc/apt/sources.list.d and preferences.d"
    if [ -e /etc/apt/sources.list.d/debian.sources ]; then
        awk 'BEGIN { RS = "" } NR == 1' /etc/apt/sources.list.d/debian.sources |
            sed 's/^Suites:.*/Suites: trixie/' >/etc/apt/sources.list.d/hotswap-trixie.sources
    else
        grep -m 1 '^deb .* bookworm ' /etc/apt/sources.list | sed 's/ bookworm / trixie /' \
            >/etc/apt/sources.list.d/hotswap-trixie.list || die "found no Debian mirror in /etc/apt: install Docker yourself"
    fi
    {
        printf 'Package: *\nPin: release n=trixie\nPin-Priority: 100\n\n'
        printf 'Package: %s\nPin: release n=trixie\nPin-Priority: 900\n' "$*"
    } >/etc/apt/preferences.d/hotswap-trixie
}

install_engine() {
    # shellcheck disable=SC1091
    . /etc/os-release
    if [ "${ID:-}" = ubuntu ]; then
        set -- docker.io docker-compose-v2 docker-buildx
    else
        set -- docker.io docker-cli docker-compose docker-buildx containerd
        if is_root && [ "${VERSION_CODENAME:-}" = bookworm ]; then add_trixie "$@"; fi
    fi
    "$here/apt-install.sh" "$@" iptables
}

start_engine() {
    is_root || die "the Docker Engine does not run, and starting it needs root: run 'make docker' as root"
    if [ -d /run/systemd/system ]; then
        systemctl start docker || die "systemd could not start Docker: see 'journalctl -u docker'"
    else
        # A killed dockerd leaves these files. They stop the next one if another process has the pid by then.
        pgrep -x dockerd >/dev/null 2>&1 || rm -f "$pidfile" /run/docker/containerd/containerd.pid
        say "starting dockerd (log: $log)"
        setsid dockerd --pidfile "$pidfile" >"$log" 2>&1 </dev/null &
    fi
    tries=60
    until answers; do
        tries=$((tries - 1))
        if [ "$tries" -eq 0 ]; then
            [ ! -e "$log" ] || tail -n 20 "$log" >&2
            die "the Docker Engine did not answer within 60 s"
        fi
        sleep 1
    done
}

case "${1:-up}" in
up)
    if ! answers; then
        [ -z "${DOCKER_HOST:-}" ] || die "no Docker Engine answers at DOCKER_HOST=$DOCKER_HOST: start it, or unset DOCKER_HOST"
        case "$(docker info 2>&1)" in
        *"permission denied"*) die "no permission on Docker's socket: run make as root, or join the group 'docker' and log in again" ;;
        esac
        command -v dockerd >/dev/null || install_engine
        answers || start_engine
    fi
    has_compose || die "the Docker Engine here has no Compose v2: install docker-compose-plugin (Docker's packages) or docker-compose-v2 (Ubuntu)"
    say "Engine $(docker version --format '{{.Server.Version}}'), Compose $(docker compose version --short)"
    ;;
down)
    pid=$(cat "$pidfile" 2>/dev/null || true)
    if [ -n "$pid" ] && [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
        say "stopping the dockerd that 'up' started"
        kill "$pid"
        tries=60
        while [ -e "$pidfile" ]; do # dockerd removes it when it ends
            tries=$((tries - 1))
            [ "$tries" -gt 0 ] || die "dockerd ($pid) did not stop within 60 s"
            sleep 1
        done
    else
        say "nothing to stop: 'up' started no dockerd"
    fi
    ;;
*) die "usage: engine.sh up|down" ;;
esac
