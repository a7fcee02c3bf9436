#!/bin/sh
# /usr/local/bin/tocsin: any command, with the settings of this instance and as its account.
set -eu
set -a
. /etc/tocsin/tocsin.env
set +a
[ "$(id -un)" = tocsin ] && exec /opt/tocsin/.venv/bin/tocsin "$@"
exec runuser -u tocsin -- /opt/tocsin/.venv/bin/tocsin "$@"
