# Sourced. A machine of its own for a test: systemd as process 1 in new namespaces, on a copy of this system that is thrown away (an
# overlay), with a network that has loopback only and a cgroup of its own. Needs root; nothing of the host is changed.
#   boot_machine        or says why not, with status 77
#   in_machine COMMAND  runs it there
#   end_machine
machine_folder= machine_cgroup= machine_process= machine_init=

cannot_boot() {
  say "skipped: $*"
  exit 77
}

# Becomes process 1. Arguments: folder, cgroup.
become_machine() {
  set -euo pipefail
  local all=$1/all
  mount --make-rprivate /
  mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$all"
  mount -t proc proc "$all/proc"
  mount -t sysfs -o ro sysfs "$all/sys"
  mount -t cgroup2 cgroup2 "$all/sys/fs/cgroup"
  mount -t tmpfs -o mode=755 tmpfs "$all/dev"
  mkdir "$all/dev/pts" "$all/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$all/dev/pts"
  mount -t tmpfs tmpfs "$all/dev/shm"
  local name
  for name in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 "$all/dev/${name%:*}" c 1 "${name#*:}"; done
  mknod -m 666 "$all/dev/tty" c 5 0
  ln -s /proc/self/fd "$all/dev/fd"
  ln -s pts/ptmx "$all/dev/ptmx"
  for name in run tmp; do mount -t tmpfs -o mode=$([[ $name == run ]] && echo 755 || echo 1777) tmpfs "$all/$name"; done
  # Of what this system would start, only what every service needs.
  rm -rf "$all"/etc/systemd/system "$all"/lib/systemd/system/{multi-user,basic,timers,sockets}.target.wants "$all/var/log/journal"
  for name in "$all"/lib/systemd/system/sysinit.target.wants/*; do
    case ${name##*/} in systemd-journald.service | systemd-tmpfiles-setup.service | systemd-sysusers.service) ;; *) rm "$name" ;; esac
  done
  mkdir -p "$all/etc/systemd/system" "$all"/lib/systemd/system/sockets.target.wants
  ln -s ../systemd-journald.socket ../systemd-journald-dev-log.socket "$all"/lib/systemd/system/sockets.target.wants/
  : >"$all/etc/fstab"
  printf '%032x\n' "$RANDOM$RANDOM$RANDOM" >"$all/etc/machine-id"
  rm -f "$all/usr/sbin/policy-rc.d"
  cd "$all"
  pivot_root . .
  umount -l .
  exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=no systemd.unified_cgroup_hierarchy=1
}

boot_machine() {
  ((EUID == 0)) || cannot_boot "not root"
  [[ -x /lib/systemd/systemd ]] || cannot_boot "systemd is not installed"
  local hierarchy
  hierarchy=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
  [[ -n $hierarchy ]] || cannot_boot "no cgroup2 hierarchy is mounted"
  machine_cgroup=$hierarchy/sluice-test-$$
  mkdir "$machine_cgroup" 2>/dev/null || cannot_boot "$hierarchy cannot be written (a container without a cgroup of its own)"
  machine_folder=$(mktemp -d)
  mount -t tmpfs tmpfs "$machine_folder" 2>/dev/null || { end_machine; cannot_boot "nothing may be mounted here"; }
  mkdir "$machine_folder"/{up,work,all}
  # The cgroup is entered first, so that it is the root of the new namespace.
  bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec unshare --mount --uts --ipc --net --cgroup --pid --fork --kill-child "$@"' _ \
    "$machine_cgroup" bash -c "$(declare -f become_machine); become_machine \"\$1\"" _ "$machine_folder" \
    </dev/null >"$machine_folder/boot.log" 2>&1 &
  machine_process=$!
  local i
  for ((i = 0; i < 300; ++i)); do
    machine_init=$(cat "/proc/$machine_process/task/$machine_process/children" 2>/dev/null || true)
    machine_init=${machine_init%% *}
    if [[ -n $machine_init && $(cat "/proc/$machine_init/comm" 2>/dev/null) == systemd ]] && in_machine systemctl is-system-running 2>/dev/null | grep -E 'running|degraded' >/dev/null; then
      return 0
    fi
    [[ -d /proc/$machine_process ]] || break
    sleep 0.1
  done
  cat "$machine_folder/boot.log"
  cannot_boot "systemd does not come up in namespaces here"
}

in_machine() {
  nsenter --target "$machine_init" --mount --uts --ipc --net --cgroup --pid --root --wd "$@"
}

end_machine() {
  if [[ -n $machine_process ]]; then
    kill -KILL "$machine_process" 2>/dev/null || true  # --kill-child: process 1 goes with it, and all the others with that
    wait "$machine_process" 2>/dev/null || true
  fi
  if [[ -n $machine_folder ]]; then
    umount "$machine_folder" 2>/dev/null || umount -l "$machine_folder" 2>/dev/null || true
    rmdir "$machine_folder" 2>/dev/null || true
  fi
  local i
  if [[ -d $machine_cgroup ]]; then
    for ((i = 0; i < 50; ++i)); do
      find "$machine_cgroup" -depth -type d -exec rmdir {} + 2>/dev/null && break
      sleep 0.1
    done
  fi
}
