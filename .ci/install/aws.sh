#!/usr/bin/env bash
# Installs what the AWS tests start: moto (a stateful imitation of EC2) in a venv, and AWS' own metadata mock.
# Idempotent: a second run finds what the first one left and does nothing.
set -euo pipefail

repository="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
target="${CLOUDROUTESYNC_TEST_CACHE:-$repository/.cache}/aws"
moto_version="5.2.5"
metadata_mock="github.com/aws/amazon-ec2-metadata-mock/cmd/ec2-metadata-mock@v1.13.0"

mkdir -p "$target/bin"

if ! "$target/venv/bin/python" -c "import moto, flask, sys; sys.exit(moto.__version__ != '$moto_version')" 2>/dev/null; then
  python3 -m venv --clear "$target/venv"
  "$target/venv/bin/pip" install --quiet --disable-pip-version-check "moto[server,ec2]==$moto_version"
fi

if [ ! -x "$target/bin/ec2-metadata-mock" ]; then
  GOBIN="$target/bin" go install "$metadata_mock"
fi
