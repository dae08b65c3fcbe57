#!/bin/sh
# A node's namespaces for as long as whoever holds the other end of the standard input: keeper.sh FOLDER PAUSE. Prints the process whose
# namespaces they are when they are ready. However it ends, nothing of the node is left: no process, mount, network or control group.
set -eu
folder=$1 pause=$2
here=$(dirname "$0") group=$(basename "$folder")

for controller in cpu cpuacct cpuset memory devices freezer blkio pids systemd; do
  [ ! -d "/sys/fs/cgroup/$controller" ] || mkdir -p "/sys/fs/cgroup/$controller/$group"
done
for file in cpuset.cpus cpuset.mems; do
  cat "/sys/fs/cgroup/cpuset/$file" > "/sys/fs/cgroup/cpuset/$group/$file"
done

unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc \
  "$here/inside.sh" "$folder" "$pause" > "$folder/inside.log" 2>&1 < /dev/null &
namespaces=$!

clean() {
  # Its child is the first process of the namespace, which takes all others along.
  kill -KILL "$namespaces" 2>/dev/null || true
  wait "$namespaces" 2>/dev/null || true
  for _ in $(seq 100); do
    find /sys/fs/cgroup/*/"$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    ls -d /sys/fs/cgroup/*/"$group" > /dev/null 2>&1 || break
    sleep 0.1
  done
  rm -rf "$folder"
}
trap clean EXIT
trap 'exit 1' INT TERM HUP

until [ -e "$folder/inside" ]; do
  kill -0 "$namespaces" 2>/dev/null || { cat "$folder/inside.log" >&2; exit 1; }
  sleep 0.05
done
pgrep -P "$namespaces"
read -r _ || true
