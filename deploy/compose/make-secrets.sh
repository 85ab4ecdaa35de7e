#!/bin/sh
# Create the passwords and the key of docker-compose.yml at random, in the folder secrets/.
# Existing files are kept. Passwords of an older .env are taken over, so that its data stays usable.
#
# The folder is closed to all others (0700). The files in it are readable (0444), because Compose
# mounts each file alone into a container, whose user has another number than you.
set -eu
cd "${1:-$(dirname "$0")/../..}"
umask 077
mkdir -p secrets
chmod 700 secrets

random() {
    head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

# The value of a variable in .env, without quotes; empty if there is none.
from_env() {
    [ ! -f .env ] || sed -n "s/^$1=//p" .env | tail -n 1 | sed "s/^\(['\"]\)\(.*\)\1\$/\2/"
}

# Write a secret unless it exists. Arguments: file, value.
keep() {
    [ -s "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"
    chmod 444 "secrets/$1"
}

# A variable of an older .env, else a random value. Arguments: file, variable.
create() {
    value=$(from_env "$2")
    case $value in
    '') value=$(random) ;;
    change-me*) echo "warning: $2 in .env is still the example's; change it soon" >&2 ;;
    esac
    keep "$1" "$value"
}

keep postgres_password "$(random)"
create database_password MOODLINE_POSTGRES_PASSWORD
create broker_password MOODLINE_BROKER_PASSWORD
create moodline_secret_key MOODLINE_SECRET_KEY
case $(from_env MOODLINE_DASHBOARD_PASSWORD) in
change-me*) keep moodline_dashboard_password "$(random)" ;; # The dashboard refuses the example's.
*) create moodline_dashboard_password MOODLINE_DASHBOARD_PASSWORD ;;
esac
keep moodline_database_url "postgresql://moodline:$(cat secrets/database_password)@postgres:5432/moodline"
keep moodline_redis_url "redis://:$(cat secrets/broker_password)@redis:6379/0"

# A strict umask at checkout would keep the database's user from reading it.
[ ! -f deploy/compose/create-role.sql ] || chmod a+r deploy/compose/create-role.sql

echo "The secrets are in $(pwd)/secrets. Back them up; moodline_secret_key decrypts camera passwords."
echo "Sign in as admin with the password in secrets/moodline_dashboard_password."
