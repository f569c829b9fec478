#!/bin/sh
# guest_init.sh FOLDER PROGRAM: makes a root of its own around the machine's /usr, and becomes its systemd.
#
# /usr is the machine's, read-only; all else is fresh and in memory. Of Debian's units only those are there that every
# service needs: nothing of the machine's own is started, and no setting of its kernel can be changed.
set -eu
umask 022

root=$1/root
program=$2
units=/usr/lib/systemd/system

# Read before /proc is the guest's: the number that this process has outside.
read -r pid _ </proc/self/stat

mkdir "$root"
mount -t tmpfs -o mode=0755 root "$root"
cd "$root"
mkdir -p usr etc/default etc/systemd/system run var/lib var/log proc sys dev home root old
mkdir -m 1777 tmp var/tmp
ln -s ../run var/run
for link in bin sbin lib lib32 lib64 libx32; do
  [ ! -e "/usr/$link" ] || ln -s "usr/$link" "$link"
done

mount --bind /usr usr
mount -o remount,bind,ro usr
for hidden in usr/local usr/lib/systemd/system usr/lib/systemd/system-generators; do
  mount -t tmpfs -o mode=0755 hidden "$hidden"
done
for target in sysinit basic multi-user local-fs-pre local-fs swap sockets timers paths slices shutdown umount \
  network-pre network network-online; do
  cp "$units/$target.target" "$root$units"
done
cp "$units/systemd-journald.service" "$units/systemd-journald.socket" "$units/systemd-journald-dev-log.socket" \
  "$root$units"
mkdir "$root$units/sysinit.target.wants"
ln -s ../systemd-journald.service "$root$units/sysinit.target.wants"

mkdir usr/local/bin
cp "$program" usr/local/bin/cloudroutesync

cp /etc/ld.so.cache /etc/os-release etc
echo 'root:x:0:0::/root:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin' >etc/passwd
echo 'root:x:0:
nogroup:x:65534:' >etc/group
# Without one systemd would take this for a first boot.
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
echo guest >etc/hostname

mount -t tmpfs -o mode=0755,nosuid,nodev run run
# As systemd-nspawn has it: of the kernel's settings only those of the network, which are the guest's own, are writable.
mount -t proc proc proc
mount --bind proc/sys proc/sys
mount --bind proc/sys/net proc/sys/net
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=0755,nosuid dev dev
mkdir dev/shm dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts dev/pts
for device in null:3 zero:5 full:7 random:8 urandom:9; do
  mknod -m 0666 "dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 0666 dev/tty c 5 0
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

# In a chroot no user namespace could be made (PrivateUsers=). To enter the mounts that it is in leads out of one, to their
# own root, whose place the guest's takes.
# The inner shell's own $1.
# shellcheck disable=SC2016
exec nsenter --mount=/proc/self/ns/mnt --wd=. sh -euc 'pivot_root . old
umount -l /old
rmdir /old
echo "$1"
exec env -i container=cloudroutesync-test PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=journal </dev/null >/dev/null 2>&1' init "$pid"
