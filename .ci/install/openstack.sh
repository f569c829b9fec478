#!/bin/sh
# Installs the Keystone and Neutron that the OpenStack tests start: a virtual environment of 385 MB below
# ${CLOUDROUTESYNC_TEST_CACHE:-<repository>/.cache}/openstack. Does nothing where it stands already.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
cache=${CLOUDROUTESYNC_TEST_CACHE:-$repository/.cache}/openstack
packages='keystone==30.0.0 neutron==29.0.0 waitress==3.0.2'
stamp=$cache/installed

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$packages" ]; then
  exit 0
fi
rm -rf "$cache"
mkdir -p "$cache"
python3 -m venv "$cache/venv"
# The list is meant to be split into words.
# shellcheck disable=SC2086
"$cache/venv/bin/pip" install --quiet --disable-pip-version-check $packages
printf '%s\n' "$packages" > "$stamp"
