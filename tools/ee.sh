#!/usr/bin/env bash
# Build hotswap/ee, the execution environment, from extensions/execution_environment and this working tree.
# With plain `ansible-builder build`, what it is made of comes from a registry, PyPI and Galaxy. Here it comes from an
# image that has it all, so that neither the network of a build nor what is on Galaxy matters.
set -euo pipefail
cd "$(dirname "$0")/.."

context=.cache/ee
docker=.collections/ansible_collections/community/docker
python=3.13 # of Debian 13

say() { printf 'ee: %s\n' "$*"; }

wanted() { # what the definition has pip install; ansible-builder adds bindep, dumb-init, packaging and pyyaml
    .venv/bin/python -c '
import yaml
wanted = yaml.safe_load(open("extensions/execution_environment/execution-environment.yml"))["dependencies"]
print(wanted["ansible_core"]["package_pip"], wanted["ansible_runner"]["package_pip"])'
}

began=$SECONDS
rm -rf "$context"
mkdir -p "$context/base"
cp extensions/execution_environment/execution-environment.yml "$context"

say "fetching the Python packages"
# shellcheck disable=SC2046  # several words
.venv/bin/pip download -q --python-version "$python" --only-binary=:all: -d "$context/base/wheels" \
    $(wanted) bindep dumb-init==1.2.5 packaging pyyaml -r "$docker/meta/ee-requirements.txt"

{
    printf -- '---\ncollections:\n'
    for name in community/docker community/library_inventory_filtering_v1 hotswap/compose; do
        mkdir -p "$context/base/collections/${name%/*}"
        cp -r ".collections/ansible_collections/$name" "$context/base/collections/$name"
        printf '  - {name: /opt/collections/%s, type: dir}\n' "$name"
    done
} >"$context/requirements.yml"

printf '%s\n' 'FROM hotswap/debian:13' 'COPY wheels /opt/wheels' 'COPY collections /opt/collections' \
    'ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/opt/wheels' | docker build --quiet --tag hotswap/ee-base -f - "$context/base" >/dev/null

say "building"
.venv/bin/ansible-builder build --container-runtime docker --file "$context/execution-environment.yml" \
    --context "$context/context" --tag hotswap/ee -v 3 \
    --build-arg EE_BASE_IMAGE=hotswap/ee-base --build-arg ANSIBLE_GALAXY_CLI_COLLECTION_OPTS=--offline \
    >"$context/build.log" 2>&1 || { tail -40 "$context/build.log" >&2; exit 1; }
say "hotswap/ee: $(($(docker image inspect -f '{{.Size}}' hotswap/ee) / 1000000)) MB, $((SECONDS - began)) s"
