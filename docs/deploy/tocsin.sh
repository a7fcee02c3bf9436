#!/bin/sh
# /usr/local/bin/tocsin: any command, with the settings of this instance and as its account.
set -eu
set -a
. /etc/tocsin/tocsin.env
HOME=/var/lib/tocsin
set +a
[ "$(id -un)" = tocsin ] && exec /opt/tocsin/.venv/bin/tocsin "$@"
exec setpriv --reuid=tocsin --regid=tocsin --init-groups /opt/tocsin/.venv/bin/tocsin "$@"
