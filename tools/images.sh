#!/usr/bin/env bash
# Ensure that the images of make demo, the tests, make files, make ee or make matrix exist:
# `images.sh demo|test|files|ee|matrix`. Fast if they exist.
# If a registry answers, they are pulled; otherwise they are built from Debian packages, from this machine's mirror.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
shop=$root/examples/shop

say() { printf 'images: %s\n' "$*"; }
die() { printf 'images: %s\n' "$*" >&2; exit 1; }
exists() { docker image inspect "$1" >/dev/null 2>&1; }

describe() { # image, second it began
    local bytes
    bytes=$(docker image inspect -f '{{.Size}}' "$1")
    say "$1: $((bytes / 1000000)) MB, $((SECONDS - $2)) s"
}

# Asked once, with a time limit, because a pull without a network hangs longer.
registry_answers() { timeout 5 docker manifest inspect nginx:stable >/dev/null 2>&1; }

need_mmdebstrap() {
    command -v mmdebstrap >/dev/null && return
    say "no registry answers: images are built from Debian packages"
    "$root/tools/apt-install.sh" mmdebstrap
}

mirror() { # prints this machine's Debian mirror, from a .list or a .sources file
    # shellcheck source=/dev/null
    . /etc/os-release
    [ "${ID:-}" = debian ] || return 0
    # shellcheck disable=SC2016  # apt's own placeholders
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v suite="$VERSION_CODENAME" '$2 == suite && $3 == "main" && !found { print $1; found = 1 }'
}

from_packages() { # image, suite, package, configuration for docker import…, then -- and further options of mmdebstrap
    local image=$1 suite=$2 package=$3 from tree changes=()
    shift 3
    while [ "$1" != -- ]; do changes+=(-c "$1"); shift; done
    shift
    from=$(mirror)
    [ -n "$from" ] || die "no registry answers, and this is no Debian machine with a mirror to build $image from: connect a registry"
    # Through a file, because docker import makes an empty image from a pipe that ends early.
    tree=$(mktemp)
    # shellcheck disable=SC2064  # this $tree
    trap "rm -f '$tree'" EXIT
    # On a frozen mirror, the Release file of testing has expired.
    mmdebstrap --quiet --variant=essential --include="$package" \
        --aptopt='Acquire::Check-Valid-Until "false"' \
        --dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/doc/* \
        --dpkgopt=path-exclude=/usr/share/locale/* \
        --format=tar "$@" "$suite" "$tree" "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $from $suite main"
    docker import "${changes[@]}" - "$image" <"$tree" >/dev/null
    rm -f "$tree"
}

build_nginx() { # version, suite
    local image=hotswap/nginx:$1
    # shellcheck disable=SC2016  # $1 is the new root, for mmdebstrap's shell
    from_packages "$image" "$2" nginx 'CMD ["nginx", "-g", "daemon off;"]' 'STOPSIGNAL SIGQUIT' 'EXPOSE 80' -- \
        --customize-hook="upload $root/tests/images/nginx.conf /etc/nginx/nginx.conf" \
        --customize-hook='rm -rf "$1"/etc/nginx/sites-* "$1"/etc/nginx/conf.d/*' \
        --customize-hook='ln -sf /dev/stdout "$1"/var/log/nginx/access.log' \
        --customize-hook='ln -sf /dev/stderr "$1"/var/log/nginx/error.log'
    case $(docker run --rm --network none "$image" nginx -v 2>&1) in
    *"nginx/$1."*) ;;
    *) say "warning: Debian $2 has no nginx $1 any more: $image is $(docker run --rm --network none "$image" nginx -v 2>&1)" ;;
    esac
}

recipe() { # image; prints the suite, the command and the packages that make it up
    local host="docker.io nginx-light python3 python3-docker iptables ca-certificates"
    case $1 in
    hotswap/host:20.10) echo "bookworm dockerd $host" ;; # has no Compose v2
    hotswap/host:26) echo "trixie dockerd $host docker-cli docker-compose" ;;
    hotswap/host:28) echo "testing dockerd $host docker-cli docker-compose" ;;
    hotswap/controller:1) echo "trixie python3 python3-venv docker-cli git shellcheck" ;;
    hotswap/stores:1) echo "trixie python3 postgresql redis-server python3-psycopg2 python3-redis" ;;
    hotswap/target:1) echo "trixie python3 openssh-server python3 python3-docker docker-cli docker-compose" ;; # reached by ssh
    hotswap/debian:13) echo "trixie bash apt ca-certificates" ;;
    hotswap/python:3) echo "trixie python3 python3-aiohttp" ;;
    esac
}

obtain() { # image
    local began=$SECONDS suite command packages
    read -r suite command packages <<<"$(recipe "$1")"
    if [ -n "$registry" ]; then
        case $1 in
        # The official image's default server would answer in place of the one under test.
        hotswap/nginx:*) printf 'FROM nginx:%s\nRUN rm -f /etc/nginx/conf.d/default.conf\n' "${1#*:}" ;;
        hotswap/registry:*) printf 'FROM registry:%s\nENTRYPOINT ["registry"]\nCMD ["serve", "/etc/docker/registry/config.yml"]\n' "${1#*:}" ;;
        *) printf 'FROM debian:%s-slim\nRUN apt-get update && apt-get install -y --no-install-recommends %s\nCMD ["%s"]\n' \
            "$suite" "$packages" "$command" ;;
        esac | docker build --quiet --tag "$1" - >/dev/null && describe "$1" "$began" && return
        say "the registry does not have $1: building it from packages"
        need_mmdebstrap
    fi
    case $1 in
    hotswap/nginx:1.22) build_nginx 1.22 bookworm ;;
    hotswap/nginx:1.26) build_nginx 1.26 trixie ;;
    hotswap/nginx:1.30) build_nginx 1.30 testing ;;
    hotswap/registry:2) from_packages "$1" trixie docker-registry 'CMD ["docker-registry", "serve", "/etc/docker/registry/config.yml"]' -- ;;
    *) from_packages "$1" "$suite" "${packages// /,}" "CMD [\"$command\"]" -- ;;
    esac
    describe "$1" "$began"
}

obtain_missing() { # image…, two at a time
    local missing=() image running=0 failed=0
    for image; do exists "$image" || missing+=("$image"); done
    [ "${#missing[@]}" -gt 0 ] || return 0
    if registry_answers; then registry=yes; else registry='' && need_mmdebstrap; fi
    for image in "${missing[@]}"; do
        if [ "$running" -eq 2 ]; then wait -n || failed=1; running=1; fi
        obtain "$image" &
        running=$((running + 1))
    done
    while [ "$running" -gt 0 ]; do wait -n || failed=1; running=$((running - 1)); done
    [ "$failed" -eq 0 ] || die "not every image could be made, see above"
}

build_shop() { # release, health
    local part image source began
    for part in was signal; do
        image=shop-$part:$1
        source=$(cat "$shop/$part"/* | sha256sum | cut -c1-16)
        [ "$(docker image inspect -f '{{index .Config.Labels "hotswap.source"}}' "$image" 2>/dev/null)" != "$source" ] || continue
        began=$SECONDS
        docker build --quiet --tag "$image" --label "hotswap.source=$source" --build-arg RELEASE="$1" --build-arg HEALTH="$2" \
            "$shop/$part" >/dev/null
        describe "$image" "$began"
    done
}

case "${1:-}" in
demo) obtain_missing hotswap/nginx:1.30 hotswap/python:3 ;;
test) obtain_missing hotswap/nginx:1.22 hotswap/nginx:1.26 hotswap/nginx:1.30 hotswap/python:3 hotswap/registry:2 hotswap/host:26 ;;
files) obtain_missing hotswap/nginx:1.30 hotswap/python:3 hotswap/stores:1 ;;
ee) obtain_missing hotswap/nginx:1.30 hotswap/python:3 hotswap/target:1 hotswap/debian:13 ;;
matrix) obtain_missing hotswap/nginx:1.22 hotswap/nginx:1.26 hotswap/nginx:1.30 hotswap/python:3 hotswap/host:20.10 hotswap/host:26 hotswap/host:28 \
    hotswap/controller:1 ;;
*) die "usage: images.sh demo|test|files|ee|matrix" ;;
esac
build_shop v1 ok
build_shop v2 ok
build_shop v3 never # rejected in the demo, because its healthcheck always fails
