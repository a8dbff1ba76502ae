#!/usr/bin/env bash
# Build hotswap/ee, the execution environment, from extensions/execution_environment and this working tree.
# Plain `ansible-builder build` downloads from a registry, PyPI and Galaxy. Here the base image contains the Python
# packages, and the build context contains the collections.
set -euo pipefail
cd "$(dirname "$0")/.."

definition=extensions/execution_environment/execution-environment.yml
work=.cache/ee
docker=.collections/ansible_collections/community/docker
python=3.13 # of Debian 13

say() { printf 'ee: %s\n' "$*"; }

wanted() { # prints the Python packages of the definition; ansible-builder adds bindep, dumb-init, packaging and pyyaml
    .venv/bin/python -c '
import sys, yaml
wanted = yaml.safe_load(open(sys.argv[1]))["dependencies"]
print(wanted["ansible_core"]["package_pip"], wanted["ansible_runner"]["package_pip"])' "$definition"
}

began=$SECONDS
rm -rf "$work/context"
mkdir -p "$work/base" "$work/context/_build/collections"
cp "$definition" "$work"

say "getting the Python packages"
# shellcheck disable=SC2046  # several words
.venv/bin/pip download -q --python-version "$python" --only-binary=:all: -d "$work/base/wheels" \
    $(wanted) bindep dumb-init==1.2.5 packaging pyyaml -r meta/ee-requirements.txt -r "$docker/meta/ee-requirements.txt" 2>"$work/pip.log" ||
    { cat "$work/pip.log" >&2; exit 1; }
printf '%s\n' 'FROM hotswap/debian:13' 'COPY wheels /opt/wheels' 'ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels' |
    docker build --quiet --tag hotswap/ee-base -f - "$work/base" >/dev/null

{
    printf -- '---\ncollections:\n'
    for name in community/docker community/library_inventory_filtering_v1 hotswap/compose; do
        mkdir -p "$work/context/_build/collections/${name%/*}"
        cp -r ".collections/ansible_collections/$name" "$work/context/_build/collections/$name"
        printf '  - {name: /build/collections/%s, type: dir}\n' "$name"
    done
} >"$work/requirements.yml"

say "getting an ansible-runner as old as AWX 24.6.1"
rm -rf "$work/runner"
.venv/bin/pip install -q --no-deps --target "$work/runner" ansible-runner==2.4.0 2>"$work/pip.log" ||
    { cat "$work/pip.log" >&2; exit 1; }

say "building"
.venv/bin/ansible-builder build --container-runtime docker --file "$work/execution-environment.yml" \
    --context "$work/context" --tag hotswap/ee -v 3 \
    --build-arg EE_BASE_IMAGE=hotswap/ee-base --build-arg ANSIBLE_GALAXY_CLI_COLLECTION_OPTS=--offline \
    >"$work/build.log" 2>&1 || { tail -40 "$work/build.log" >&2; exit 1; }
say "hotswap/ee: $(($(docker image inspect -f '{{.Size}}' hotswap/ee) / 1000000)) MB, $((SECONDS - began)) s"
