#!/bin/sh
# Make .venv (the tools) and .collections (the collections that ours needs). PYTHON names another Python than python3.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
bundle="ansible==12.3.0" # the PyPI package that carries the collections, for where Galaxy does not answer

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

collections_from_galaxy() {
    rm -f .cache/galaxy.log
    for requirements in collections/requirements.yml extensions/awx/requirements.yml; do
        # Ansible's own home would otherwise be made in the user's.
        ANSIBLE_HOME="$PWD/.cache/ansible" ANSIBLE_COLLECTIONS_PATH="$PWD/.collections" \
            timeout 60 .venv/bin/ansible-galaxy collection install --timeout 10 \
            -r "$requirements" -p .collections >>.cache/galaxy.log 2>&1 || return
    done
}

collections_from_bundle() {
    .venv/bin/pip download -q --no-deps --only-binary :all: -d .cache/bundle "$bundle"
    .venv/bin/python - .cache/bundle/ansible-*.whl <<'EOF'
import sys
import zipfile

WANTED = ("awx/awx/", "community/docker/", "community/library_inventory_filtering_v1/", "ansible/posix/")
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith(tuple("ansible_collections/" + wanted for wanted in WANTED)):
            wheel.extract(name, ".collections")
EOF
    rm -r .cache/bundle
}

command -v "$python" >/dev/null || die "there is no $python: install Python 3.11 or newer, or name it with PYTHON=…"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    die "$("$python" -V) is too old for the tools: name Python 3.11 or newer with PYTHON=…"

if ! .venv/bin/python -c '' 2>/dev/null; then
    # Debian keeps these two apart from Python itself.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || tools/apt-install.sh python3-venv
    say "making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv
fi
say "installing tools/requirements.txt into .venv"
.venv/bin/pip install -q --disable-pip-version-check -r tools/requirements.txt

mkdir -p .cache .collections
say "getting the collections that ours and its extensions need"
if ! collections_from_galaxy; then
    say "Galaxy did not serve them (.cache/galaxy.log): taking them from $bundle on PyPI"
    collections_from_bundle
fi
touch .venv/setup.done
