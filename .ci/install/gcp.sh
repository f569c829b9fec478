#!/bin/sh
# Google's discovery documents for the tests: what the fake of the Compute API holds every request against. They come with the
# PyPI package google-api-python-client, of which nothing else is used. Does nothing if they are there.
set -eu

version=2.202.0
root=$(cd "$(dirname "$0")/../.." && pwd)
folder="${CLOUDROUTESYNC_TEST_CACHE:-$root/.cache}/gcp"
documents="compute.v1 cloudresourcemanager.v3"

if [ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ]; then
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --no-deps --dest "$work" "google-api-python-client==$version"
mkdir -p "$folder"
for document in $documents; do
  python3 - "$work" "googleapiclient/discovery_cache/documents/$document.json" "$folder/$document.json" <<'PYTHON'
import glob, sys, zipfile

work, member, target = sys.argv[1:]
with zipfile.ZipFile(glob.glob(f"{work}/*.whl")[0]) as wheel, open(target, "wb") as out:
    out.write(wheel.read(member))
PYTHON
done
echo "$version" >"$folder/version"
