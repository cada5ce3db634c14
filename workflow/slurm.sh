#!/usr/bin/env bash
# A SLURM cluster of this one machine, for as long as a command runs: workflow/slurm.sh COMMAND...
# Needs Debian's slurm-wlm and munge, and root. For that time it is the SLURM of /etc/slurm/slurm.conf. A stand-in GPU is
# granted, so that jobs may ask for one.
set -euo pipefail

skip() {
    echo "skipped: $1" >&2
    exit 77
}

[ "$(id -u)" = 0 ] || skip "SLURM's daemons need root here"
for tool in slurmctld slurmd sbatch munged; do
    command -v "$tool" >/dev/null || skip "there is no $tool; apt-get install slurm-wlm munge"
done
# Snakemake's executor takes SLURM_CONF out of a job's environment, so jobs look for the configuration where it usually is.
usual=/etc/slurm/slurm.conf
[ -w /etc/slurm ] || skip "/etc/slurm cannot be written"
[ -e "$usual" ] && skip "this machine has a SLURM of its own, in $usual"

folder=$(mktemp -d /tmp/hyperseg-slurm.XXXXXX)
chmod 755 "$folder"
host=$(hostname -s)
install -d -o munge -g munge -m 0755 /run/munge
install -d -o munge -g munge -m 0700 "$folder/munge"
[ -e /etc/munge/munge.key ] || { mungekey --create --force >/dev/null 2>&1 || head -c 1024 /dev/urandom >/etc/munge/munge.key; }
chown munge:munge /etc/munge/munge.key && chmod 400 /etc/munge/munge.key
mkdir "$folder/spool" "$folder/state"

cat >"$folder/slurm.conf" <<CONF
ClusterName=hyperseg
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
MpiDefault=none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
ReturnToService=2
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
GresTypes=gpu
MinJobAge=86400
KillWait=20
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
PreemptMode=REQUEUE
PreemptType=preempt/partition_prio
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmdSpoolDir=$folder/spool
StateSaveLocation=$folder/state
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(getconf _NPROCESSORS_ONLN) RealMemory=$(($(awk '/MemTotal/ { print $2 }' /proc/meminfo) / 1100)) Gres=gpu:1 State=UNKNOWN
PartitionName=gpu Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=2
CONF
echo "NodeName=$host Name=gpu File=/dev/null" >"$folder/gres.conf"
export SLURM_CONF=$folder/slurm.conf
ln -sfn "$SLURM_CONF" "$usual"

daemons=()
stop() {
    scancel --full --quiet --state=RUNNING,PENDING --partition=gpu 2>/dev/null || true
    # The controller first, while it still has the others to talk to.
    for ((i = ${#daemons[@]} - 1; i >= 0; i--)); do
        kill "${daemons[i]}" 2>/dev/null || true
        wait "${daemons[i]}" 2>/dev/null || true
    done
    # What SLURM lost track of: it follows processes by their parents here.
    for process in $(grep --files-with-matches --null-data --line-regexp "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3); do
        kill -KILL "$process" 2>/dev/null || true
    done
    [ "$(readlink "$usual")" != "$SLURM_CONF" ] || rm "$usual"
    rm -rf "$folder"
}
trap stop EXIT

if ! munge --no-input >/dev/null 2>&1; then
    setpriv --reuid=munge --regid=munge --clear-groups munged --foreground >/dev/null 2>&1 &
    daemons+=($!)
fi
for _ in $(seq 50); do munge --no-input >/dev/null 2>&1 && break; sleep 0.2; done
slurmd -D >/dev/null 2>&1 &
daemons+=($!)
slurmctld -D >/dev/null 2>&1 &
daemons+=($!)
for _ in $(seq 100); do
    sinfo --noheader --format=%T 2>/dev/null | grep -q idle && break
    sleep 0.3
done
if ! sinfo --noheader --format=%T 2>/dev/null | grep -q idle; then
    tail --lines 5 "$folder"/slurm*.log >&2 || true
    skip "SLURM did not start here; its last words stand above"
fi
"$@"
