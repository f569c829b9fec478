#!/bin/sh
# Kubernetes' own schema for the tests: the OpenAPI documents of the groups that the manifests are of, out of the Go module
# k8s.io/kubernetes (18 MB, of which nothing else is kept). Does nothing if they are there.
set -eu

version=v1.34.4
# Of the module's files, as Go's checksum database has it.
sum=h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk=
root=$(cd "$(dirname "$0")/../.." && pwd)
folder="${CLOUDROUTESYNC_TEST_CACHE:-$root/.cache}/kubernetes"
documents="api__v1 apis__apps__v1 apis__rbac.authorization.k8s.io__v1"

if [ "$(cat "$folder/version" 2>/dev/null || true)" = "$version" ]; then
  exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Go makes its folders read-only unless told otherwise.
answer=$(cd "$work" && GOPATH="$work" GOFLAGS=-modcacherw go mod download -json "k8s.io/kubernetes@$version")
case $answer in
  *"\"Sum\": \"$sum\""*) ;;
  *)
    echo "k8s.io/kubernetes@$version is not what it was: $answer" >&2
    exit 1
    ;;
esac
mkdir -p "$folder"
for document in $documents; do
  cp "$work/pkg/mod/k8s.io/kubernetes@$version/api/openapi-spec/v3/${document}_openapi.json" "$folder/$document.json"
done
echo "$version" >"$folder/version"
