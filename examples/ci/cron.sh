#!/bin/sh
# cron: deploys the release that the file `release` of a git repository names. Copy this script and the playbooks of
# examples/ to the repository, clone it to /srv/deploy, install the collections there, and add /etc/cron.d/deploy:
#
#   MAILTO=ops@shop.example
#   PATH=/usr/local/bin:/usr/bin:/bin
#   */5 * * * * deploy /srv/deploy/cron.sh
#
# To deploy, commit another release to the file. If it has the traffic already, the deploy changes nothing.
set -eu
cd "$(dirname "$0")"

# One at a time: a deploy may take longer than five minutes.
exec 9<.
flock -n 9 || exit 0

git pull --quiet --ff-only
release=$(cat release)

# Exit status 0: the release has the traffic. Of any other, cron mails the output, and the next minutes try again.
if output=$(ansible-playbook deploy.yml -e "bluegreen_release=$release" 2>&1); then
    exit 0
else
    status=$?
    printf '%s\n' "$output"
    exit "$status"
fi
