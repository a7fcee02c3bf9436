#!/bin/sh
# The program on one Debian 12 machine, as root, from a clone of the release at /opt/tocsin (docs/go-live.md). May be run again after
# every new release: what the city has set stays as it is. It starts nothing.
set -eu
say() { printf '%s\n' "$*" >&2; }
[ "$(id -u)" = 0 ] || { say "Run this as root."; exit 2; }
cd "$(dirname "$0")/../.."
[ "$(pwd -P)" = /opt/tocsin ] || { say "The program belongs in /opt/tocsin, and this is $(pwd -P)."; exit 2; }

say "packages: python3-venv, nginx-light, curl, openssl"
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv nginx-light curl openssl >/dev/null

say "program: $(grep -c '==' requirements/run.txt) pinned packages in /opt/tocsin/.venv"
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/run.txt
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
.venv/bin/python -m compileall -q notify channels subscribers surge # its account may not write here

say "account: tocsin; folders: /var/lib/tocsin, /etc/tocsin, /srv/tocsin"
id -u tocsin >/dev/null 2>&1 || useradd --system --user-group --home-dir /var/lib/tocsin --shell /usr/sbin/nologin tocsin
install -d -m 0755 -o tocsin -g tocsin /var/lib/tocsin
install -d -m 0750 -o tocsin -g tocsin /srv/tocsin /srv/tocsin/backups /srv/tocsin/snapshots
install -d -m 0750 -o root -g tocsin /etc/tocsin
[ -f /etc/tocsin/tocsin.env ] || install -m 0640 -o root -g tocsin docs/deploy/tocsin.env /etc/tocsin/tocsin.env
[ -d /etc/tocsin/city ] || cp -r city/portland /etc/tocsin/city
[ -f /etc/nginx/sites-available/tocsin ] || install -m 0644 docs/deploy/nginx-one.conf /etc/nginx/sites-available/tocsin
install -m 0755 docs/deploy/tocsin.sh /usr/local/bin/tocsin

say "units: tocsin.service, tocsin-nightly.timer"
install -d /etc/systemd/system/tocsin.service.d
install -m 0644 docs/deploy/tocsin.service docs/deploy/tocsin-nightly.service docs/deploy/tocsin-nightly.timer /etc/systemd/system/
install -m 0644 docs/deploy/hardening.conf /etc/systemd/system/tocsin.service.d/
[ ! -d /run/systemd/system ] || systemctl daemon-reload
say "Done. Next: docs/go-live.md, 'Settings'."
