#!/bin/sh
# guest.sh FOLDER PROGRAM: runs guest_init.sh with the same arguments as PID 1 of namespaces and a cgroup of its own.
#
# Prints the number that the guest's PID 1 has outside. Lives until its standard input ends, so that nothing is left over
# even if who started it is killed. Must be started by root in a mount namespace of its own.
set -eu

folder=$1

# A signal to the whole process group must not part this script from its guest.
trap '' HUP INT TERM

mkdir "$folder/cgroup"
mount -t cgroup2 cgroup2 "$folder/cgroup"
cgroup=$folder/cgroup/cloudroutesync-guest-$$
mkdir "$cgroup"

# The guest's systemd takes the cgroup in which it begins for the root of all.
sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' guest "$cgroup" \
  unshare --pid --fork --kill-child --mount --ipc --uts --net --cgroup \
  sh "$(dirname "$0")/guest_init.sh" "$@" </dev/null &
guest=$!

# From here on the guest alone holds standard output: if it ends early, who reads sees the end.
exec >/dev/null
cat

echo 1 >"$cgroup/cgroup.kill"
{ wait "$guest" || true; } 2>/dev/null
# What was killed leaves its cgroup a moment later.
for _ in $(seq 200); do
  grep -q 'populated 1' "$cgroup/cgroup.events" || break
  sleep 0.05
done
find "$cgroup" -depth -type d -exec rmdir {} +
