#!/bin/sh
# Installs cloudroutesync with its systemd unit, its settings, manual page and shell completions, or removes them.
#
#   sh install.sh                 installs this script's own version
#   sh install.sh --from PLACE    from a folder that has a release's files, or from the address of one
#   sh install.sh --uninstall     removes what it installed, but for files that were changed since
#
# Nothing of the system changes before everything was fetched, its checksum found right, and the executable tried. Files that
# were changed since this script wrote them are never overwritten. The service is neither enabled nor started.
set -eu
umask 022

version=@VERSION@
place=https://github.com/networkop/cloudroutesync/releases/download/v$version

program=/usr/local/bin/cloudroutesync
unit=/etc/systemd/system/cloudroutesync.service
settings=/etc/default/cloudroutesync
manual=/usr/local/share/man/man8/cloudroutesync.8
bash_completion=/usr/local/share/bash-completion/completions/cloudroutesync
zsh_completion=/usr/local/share/zsh/site-functions/_cloudroutesync
fish_completion=/usr/local/share/fish/vendor_completions.d/cloudroutesync.fish
# What this script installed, as `sha256sum` writes it.
record=/usr/local/share/cloudroutesync/installed
# What a new file is called until all are there.
fresh=cloudroutesync-install
# The compressed and the plain executable, and all else.
needed_kb=140000

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

require_root() {
  [ "$(id -u)" = 0 ] || fail "must be run by root: sudo sh install.sh"
}

require_systemd() {
  if [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null; then
    fail "this system is not run by systemd: put the executable where you like, and start it as your system starts services"
  fi
}

# Sets machine.
require_machine() {
  [ "$(uname -s)" = Linux ] || fail "this system is $(uname -s): cloudroutesync runs on Linux"
  case $(uname -m) in
    x86_64 | amd64) machine=x86_64 ;;
    aarch64 | arm64) machine=aarch64 ;;
    *) fail "there is no executable for this machine, which is $(uname -m): there are x86_64 and aarch64" ;;
  esac
}

require_glibc() {
  glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^glibc //') || glibc=
  [ -n "$glibc" ] || fail "this system has no glibc: cloudroutesync needs glibc 2.27 or newer (Alpine has musl)"
  if [ "${glibc%%.*}" -lt 2 ] || { [ "${glibc%%.*}" -eq 2 ] && [ "$(echo "$glibc" | cut -d. -f2)" -lt 27 ]; }; then
    fail "this system's glibc is $glibc: cloudroutesync needs 2.27 or newer (Debian 10, Ubuntu 18.04, RHEL 8)"
  fi
}

# sum_in LIST NAME: the checksum that a list, as `sha256sum` writes it, has of a file; nothing if it has none.
sum_in() {
  while read -r sum name; do
    if [ "$name" = "$2" ]; then echo "$sum"; fi
  done <"$1"
}

# recorded FILE: its checksum when this script installed it; nothing if it did not.
recorded() {
  if [ -e "$record" ]; then sum_in "$record" "$1"; fi
}

sum_of() { sha256sum "$1" | cut -d' ' -f1; }

# changed FILE: whether it is there and differs from what this script installed.
changed() { [ -e "$1" ] && [ "$(sum_of "$1")" != "$(recorded "$1")" ]; }

require_own_program() {
  if command -v dpkg-query >/dev/null && dpkg-query -W -f '${Status}' cloudroutesync 2>/dev/null | grep -q ' installed$'; then
    fail "the package cloudroutesync is installed: upgrade or remove it with apt"
  fi
  if changed "$program"; then
    fail "$program was not installed by this script, or was changed since: move it away first"
  fi
}

require_space() {
  mkdir -p "$(dirname "$program")" 2>/dev/null || fail "cannot write to $(dirname "$program")"
  free_kb=$(df -Pk "$(dirname "$program")" | sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\([0-9]*\).*/\1/p')
  [ "$free_kb" -ge $needed_kb ] ||
    fail "$(dirname "$program") has $((free_kb / 1024)) MB left: the installation needs $((needed_kb / 1024)) MB"
}

# Of what a command said; a file for it could not be written where the disk is full.
last_line() { printf '%s\n' "$1" | tail -n 1; }

# fetch NAME: gets a file of the release into the stage.
fetch() {
  case $place in
    http://* | https://*)
      if command -v curl >/dev/null; then
        why=$(curl --fail --silent --show-error --location --retry 3 --output "$stage/$1" "$place/$1" 2>&1) ||
          fail "cannot fetch $place/$1: $(last_line "$why")"
      elif command -v wget >/dev/null; then
        wget --quiet --output-document="$stage/$1" "$place/$1" || fail "cannot fetch $place/$1"
      else
        fail "neither curl nor wget is installed: install one, or fetch the release yourself and name its folder (--from)"
      fi
      ;;
    *) why=$(cp "$place/$1" "$stage/$1" 2>&1) || fail "cannot copy $place/$1: $(last_line "$why")" ;;
  esac
}

# check NAME: ends unless SHA256SUMS has the file's checksum.
check() {
  expected=$(sum_in "$stage/SHA256SUMS" "$1")
  [ -n "$expected" ] || fail "SHA256SUMS of $place says nothing of $1"
  [ "$(sum_of "$stage/$1")" = "$expected" ] || fail "the checksum of $place/$1 is wrong: nothing was installed"
}

fetch_program() {
  name=cloudroutesync-$version-linux-$machine
  if command -v xz >/dev/null; then
    fetch "$name.xz"
    check "$name.xz"
    why=$(xz --decompress --force "$stage/$name.xz" 2>&1) || fail "cannot unpack $name.xz: $(last_line "$why")"
  else
    fetch "$name"
  fi
  check "$name"
  mv "$stage/$name" "$stage/cloudroutesync"
  chmod 755 "$stage/cloudroutesync"
}

# Sets works to what the executable says of itself.
try_program() {
  if ! works=$("$stage/cloudroutesync" version 2>&1); then
    case $works in
      *libgcc_s*)
        fail "libgcc_s.so.1 is missing: install libgcc-s1 (Debian, Ubuntu), libgcc1 (Ubuntu 18.04) or libgcc (Red Hat, SUSE)"
        ;;
    esac
    fail "the executable does not run here: $(last_line "$works")"
  fi
}

# place_file STAGED TARGET MODE: puts a file beside its target, under a name that does not count yet.
place_file() {
  { mkdir -p "$(dirname "$2")" && cp "$stage/$1" "$2.$fresh"; } 2>/dev/null || fail "cannot write to $(dirname "$2"): nothing was installed"
  chmod "$3" "$2.$fresh"
  placed="$placed $2"
}

# settle_file TARGET: gives a placed file its name, unless it would overwrite a change. Its checksum goes to the new record.
settle_file() {
  sum=$(sum_of "$1.$fresh")
  if ! changed "$1" || [ "$(sum_of "$1")" = "$sum" ]; then
    mv "$1.$fresh" "$1"
  elif [ "$(recorded "$1")" = "$sum" ]; then
    rm "$1.$fresh"
  else
    mv "$1.$fresh" "$1.new"
    echo "$1 was changed and stays as it is; this version's is $1.new"
  fi
  echo "$sum  $1" >>"$stage/record"
}

clean_up() {
  rm -rf "$stage"
  for file in $placed; do rm -f "$file.$fresh"; done
}

install_release() {
  require_root
  require_machine
  require_systemd
  require_glibc
  require_own_program
  require_space
  placed=
  stage=$(mktemp -d "$(dirname "$program")/.$fresh.XXXXXX" 2>/dev/null) || fail "cannot write to $(dirname "$program")"
  trap clean_up EXIT
  trap 'exit 1' HUP INT TERM
  fetch SHA256SUMS
  for name in cloudroutesync.service cloudroutesync.default cloudroutesync.8; do
    fetch $name
    check $name
  done
  fetch_program
  try_program
  for shell in bash zsh fish; do "$stage/cloudroutesync" completion $shell >"$stage/$shell"; done
  place_file cloudroutesync.service $unit 644
  place_file cloudroutesync.default $settings 600
  place_file cloudroutesync.8 $manual 644
  place_file bash $bash_completion 644
  place_file zsh $zsh_completion 644
  place_file fish $fish_completion 644
  mkdir -p "$(dirname "$record")"
  mv "$stage/cloudroutesync" "$program.$fresh"
  placed="$placed $program"
  for file in $placed; do settle_file "$file"; done
  mv "$stage/record" $record
  systemctl daemon-reload
  systemctl try-restart cloudroutesync.service || fail "the service did not start again: journalctl -u cloudroutesync tells why"
  echo "$works"
  echo "Installed: $program, $unit, $settings. Next:
  cloudroutesync doctor    # what VM and account still need
  cloudroutesync plan      # what would change
  systemctl enable --now cloudroutesync"
}

uninstall() {
  require_root
  [ -e $record ] || fail "there is nothing to remove: this script has installed nothing here"
  if command -v systemctl >/dev/null && [ -e $unit ]; then systemctl disable --now cloudroutesync.service; fi
  for file in $unit $settings $manual $bash_completion $zsh_completion $fish_completion $program; do
    if changed "$file"; then echo "$file was changed and stays"; else rm -f "$file"; fi
  done
  rm -f $record
  rmdir "$(dirname $record)" 2>/dev/null || true
  if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
  echo "cloudroutesync is removed. What stays: its routes in the cloud, and in /var/lib/private/cloudroutesync the ledger that says
which they are. To remove the routes too, install it again and run: cloudroutesync cleanup"
}

case ${1-} in
  '')
    # Beside the files of a release, this is their installation.
    if [ -f "$0" ] && [ -e "$(dirname "$0")/SHA256SUMS" ]; then place=$(dirname "$0"); fi
    install_release
    ;;
  --from)
    [ $# = 2 ] || fail "--from needs a folder or an address"
    place=${2%/}
    install_release
    ;;
  --uninstall) uninstall ;;
  *) fail "unknown argument $1: there are --from PLACE and --uninstall" ;;
esac
