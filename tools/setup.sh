#!/bin/sh
# Make .venv (the tools) and .collections (the required collections). PYTHON=… selects a Python other than python3.
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
bundle="ansible==12.3.0" # the PyPI package with the collections, used if Galaxy does not answer

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

collections_from_galaxy() {
    rm -f .cache/galaxy.log
    for requirements in collections/requirements.yml extensions/awx/requirements.yml; do
        # Otherwise Ansible creates its home in the user's.
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
    # Debian packages these two separately.
    "$python" -c 'import ensurepip, venv' 2>/dev/null || tools/apt-install.sh python3-venv
    say "making .venv with $("$python" -V)"
    "$python" -m venv --clear .venv
fi
say "installing tools/requirements.txt into .venv"
.venv/bin/pip install -q --disable-pip-version-check -r tools/requirements.txt

mkdir -p .cache .collections
say "installing the required collections"
if ! collections_from_galaxy; then
    say "Galaxy did not answer (.cache/galaxy.log): using $bundle from PyPI"
    collections_from_bundle
fi
touch .venv/setup.done
