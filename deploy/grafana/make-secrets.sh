#!/bin/sh
# Create the secrets of deploy/grafana/compose.yaml in the folder secrets/, besides those of
# deploy/compose/make-secrets.sh. Existing files are kept.
set -eu
cd "${1:-$(dirname "$0")/../..}"
umask 077
mkdir -p secrets
chmod 700 secrets

random() {
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

for name in moodline_health_token grafana_password grafana_database_password; do
    [ -s "secrets/$name" ] || printf '%s\n' "$(random)" > "secrets/$name"
done
# For the dashboard over the API: docker compose run --rm dashboard token add grafana --scope read
[ -e secrets/moodline_api_token ] || : > secrets/moodline_api_token
chmod 444 secrets/moodline_health_token secrets/grafana_* secrets/moodline_api_token

echo "Sign in to Grafana as admin with the password in $(pwd)/secrets/grafana_password."
