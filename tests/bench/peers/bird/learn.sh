#!/bin/sh
# Has BIRD learn the kernel's routes: starts it with an empty table and ends when it has as many as told. Its own BGP routes aside, it is
# what a router pays that redistributes what another daemon wrote.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/bird.conf" <<CONF
protocol device {}
protocol kernel { learn; ipv4 { import all; export none; }; }
CONF
bird -f -c "$folder/bird.conf" -s "$folder/ctl" 2> "$folder/log" &
bird=$!
learned=0
while [ "$learned" -lt "$1" ]; do
  kill -0 "$bird" 2> /dev/null || { cat "$folder/log" >&2; exit 1; }
  sleep 0.02
  learned=$(birdc -s "$folder/ctl" show route count 2> /dev/null | sed -n 's/^\([0-9]*\) of .*/\1/p' | head -1)
  learned=${learned:-0}
done
kill "$bird"
wait "$bird" || true
