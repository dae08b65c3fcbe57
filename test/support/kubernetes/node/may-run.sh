#!/bin/sh
# Whether a node can be had here, tried out in the small: namespaces, mounts, a bridge and a control group, which root of a container may not have. Nothing is left.
set -eu
group="/sys/fs/cgroup/cpuset/sluice-$$"
mkdir "$group"
rmdir "$group"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/lower" "$folder/upper" "$folder/work" "$folder/merged"
unshare --net --mount --pid --uts --ipc --fork --kill-child --mount-proc sh -eu -c '
  mount -t tmpfs tmpfs /run
  mount -t overlay overlay -o "lowerdir=$0/lower,upperdir=$0/upper,workdir=$0/work" "$0/merged"
  ip link add node0 type bridge
' "$folder"
