#!/usr/bin/env bash
# A sweep on a real Slurm of one node, set up for this test alone: an array of 8 shards, one killed in the middle and
# submitted again, merged, and compared with the bytes of one machine. The job script is the one to copy.
#
# Installs Slurm (apt) where it is not; told as skipped where it cannot be had, or where this is not root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

skip() {
  echo "0 passed: slurm skipped, $1"
  exit 0
}

has_slurm() {
  command -v munged >/dev/null && command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v sbatch >/dev/null
}

[ "$(id -u)" -eq 0 ] || skip "for its daemons need root"
if ! has_slurm; then
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends slurmctld slurmd slurm-client munge; } >/dev/null 2>&1 || true
  has_slurm || skip "for slurmctld, slurmd, slurm-client and munge cannot be installed"
fi
cargo build --release --locked --quiet
export PATH="$target/release:$PATH"

work=$(mktemp -d)
daemons=()
end() {
  local code=$?
  if [ "$code" -ne 0 ]; then tail -n 20 "$work"/*.log 2>/dev/null || true; fi
  if [ ${#daemons[@]} -gt 0 ]; then
    kill "${daemons[@]}" 2>/dev/null || true
    wait "${daemons[@]}" 2>/dev/null || true
  fi
  rm -rf "$work"
  exit "$code"
}
trap end EXIT

# two ports that nobody listens on
read -r control_port node_port < <(python3 - <<'PORTS'
import socket
sockets = [socket.socket() for _ in range(2)]
for one in sockets:
    one.bind(("127.0.0.1", 0))
print(*(one.getsockname()[1] for one in sockets))
PORTS
)
host=$(hostname -s)
mkdir -m 755 "$work/munge" "$work/state" "$work/spool"
chmod 755 "$work"
head -c 1024 /dev/urandom >"$work/munge/key"
chmod 600 "$work/munge/key"
export SLURM_CONF="$work/slurm.conf"
cat >"$SLURM_CONF" <<CONF
ClusterName=swarmbed
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$control_port
SlurmdPort=$node_port
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
StateSaveLocation=$work/state
SlurmdSpoolDir=$work/spool
SlurmctldPidFile=$work/slurmctld.pid
SlurmdPidFile=$work/slurmd.pid
SlurmctldLogFile=$work/slurmctld.log
SlurmdLogFile=$work/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2
KillWait=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=2 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF

munged --foreground --force --socket="$work/munge/socket" --key-file="$work/munge/key" --pid-file="$work/munge/pid" \
  --log-file="$work/munge/log" --seed-file="$work/munge/seed" 2>"$work/munged.log" &
daemons+=($!)
for _ in $(seq 50); do
  [ -S "$work/munge/socket" ] && break
  sleep 0.1
done
slurmctld -D -f "$SLURM_CONF" >"$work/control.log" 2>&1 &
daemons+=($!)
slurmd -D -f "$SLURM_CONF" -N "$host" >"$work/node.log" 2>&1 &
daemons+=($!)

# wait_for SECONDS WHAT COMMAND…: until the command succeeds.
wait_for() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    if [ "$SECONDS" -ge "$until" ]; then
      echo "not in time: $what"
      exit 1
    fi
    sleep 0.1
  done
}
idle() { sinfo --noheader --format=%T 2>/dev/null | grep -q idle; }
over() { [ -z "$(squeue --noheader 2>/dev/null)" ]; }
wait_for 30 "the node is idle" idle

sweep="$work/sweep"
swarmbed sweep plan "$here/sweep.toml" --shards 8 --out "$sweep" >/dev/null
array=$(sbatch --parsable --array=1-8 --output="$work/task-%a.out" "$here/sweep.sbatch" "$sweep")

# One shard is killed when some of its runs are finished, and some are not.
victim=3
finished() { [ "$(find "$sweep/shard-$victim" -name '*.run' 2>/dev/null | wc -l)" -ge 1 ]; }
wait_for 60 "shard $victim has finished a run" finished
scancel --signal=KILL --full "${array}_$victim"
wait_for 90 "the array is over" over
kept=$(find "$sweep/shard-$victim" -name '*.run' | sort)
stamps=$(stat -c '%n %y' $kept)
echo "killed with $(wc -l <<<"$kept") of its runs finished:" \
  "$(scontrol show job "${array}_$victim" | grep -o -E 'JobState=[A-Z]+|ExitCode=[0-9:]+' | paste -sd' ')"

# Half of a shard is no result, and is named.
if swarmbed sweep merge "$sweep" --out "$work/merged" 2>"$work/merge.err"; then
  echo "half a shard was merged"
  exit 1
fi
grep -F "shard $victim is half-written" "$work/merge.err"

sbatch --parsable --array=$victim --output="$work/again-%a.out" "$here/sweep.sbatch" "$sweep" >/dev/null
wait_for 60 "shard $victim is over" over
if [ "$stamps" != "$(stat -c '%n %y' $kept)" ]; then
  echo "finished runs were made again"
  exit 1
fi
swarmbed sweep merge "$sweep" --out "$work/merged" --quiet
swarmbed run "$here/sweep.toml" --out "$work/alone" --quiet
diff -r --exclude provenance.json "$work/merged" "$work/alone"
runs=$(($(wc -l <"$work/merged/runs.csv") - 1))
echo "1 passed: $runs runs in 8 shards on Slurm $(slurmctld -V | cut -d' ' -f2), one killed and submitted again, as on one machine"
