#!/bin/sh
# Copy the working tree to the path where Ansible finds the collection. ansible-test needs that path, and no symlink.
set -eu
cd "$(dirname "$0")/.."
export LC_ALL=C

tree=.collections/ansible_collections/hotswap/compose
mkdir -p "$tree" .cache
wanted=$(mktemp .cache/tree.XXXXXX)
trap 'rm -f "$wanted"' EXIT

# In a checkout: all files that git tracks or would add. In an unpacked archive: all files but those that make creates.
if [ -e .git ]; then
    git() { command git -c safe.directory="$PWD" "$@"; } # the checkout may belong to another user
    git ls-files -z --deleted | sort -z >"$wanted.deleted"
    git ls-files -z --cached --others --exclude-standard | sort -zu | comm -z -23 - "$wanted.deleted" >"$wanted"
    rm "$wanted.deleted"
    # Its own repository. Otherwise ansible-test treats the copy as ignored by this one and finds nothing in it.
    [ -e "$tree/.git" ] || git -c init.defaultBranch=main init -q "$tree"
else
    find . \( -path ./.venv -o -path ./.collections -o -path ./.cache -o -path ./.ansible -o -path ./tests/output \
        -o -name __pycache__ \) -prune -o ! -type d -printf '%P\0' | sort -z >"$wanted"
fi

# Remove files that are no longer in the working tree, except the output of tests.
(cd "$tree" && find . \( -path ./.git -o -path ./.ansible -o -path ./tests/output \) -prune -o ! -type d -printf '%P\0') |
    sort -z | comm -z -23 - "$wanted" | (cd "$tree" && xargs -0 -r rm -f)
find "$tree" -mindepth 1 -type d -empty ! -path "$tree/.git/*" -delete
xargs -0 cp -P --parents --preserve=mode,timestamps -t "$tree" <"$wanted"
