#!/bin/sh
# The first process in the namespaces of a node: inside.sh FOLDER PAUSE. Gives it its own mounts and network, and then only holds them.
set -eu
folder=$1 pause=$2

mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/netns /run/lock
for each in log lib/cni lib/kubelet; do
  mkdir -p "$folder/var/$each" "/var/$each"
  mount --bind "$folder/var/$each" "/var/$each"
done
# The kubelet insists on these settings of the kernel, which are the whole machine's: it is shown what it wants to see.
mkdir "$folder/sysctl"
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
  kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  name=${setting%=*}
  file="$folder/sysctl/$(echo "$name" | tr / _)"
  echo "${setting#*=}" > "$file"
  mount --bind "$file" "/proc/sys/$name"
done
mount --make-rshared /

hostname node-0
sysctl -qw net.ipv4.ip_forward=1
ip link set lo up
# The node's address is on a bridge without ports: not every kernel has devices of kind dummy.
ip link add node0 type bridge
ip addr add 172.30.99.2/24 dev node0
ip link set node0 up
# Nothing is behind it; without a route connections to Services would fail before they are translated.
ip route add default dev node0

touch "$folder/inside"
exec "$pause"
