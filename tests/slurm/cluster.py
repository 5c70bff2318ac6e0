# SPDX-FileCopyrightText: 2026 Kyrtos contributors
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A SLURM of our own: munged, slurmctld and slurmd on this machine, with their files in one folder
and ports that nobody uses. It needs no root, no service and no configuration of the system."""

import os
import secrets
import shutil
import socket
import subprocess
import time

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "scancel", "scontrol", "sinfo", "squeue", "srun")
SBIN = "/usr/sbin:/usr/local/sbin:/sbin"

# Two partitions, so that a job in `urgent` preempts one in `normal` as clusters do: SIGTERM, and 20
# seconds to end. Requeued jobs start soon (cred_expire), and the one node takes more tasks than
# this machine has cores.
CONFIG = """
ClusterName=kyrtos
SlurmctldHost={node}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=20
GresTypes=gpu
NodeName={node} NodeAddr=127.0.0.1 CPUs=16 RealMemory=100 Gres=gpu:4
PartitionName=normal Nodes={node} Default=YES PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes={node} PriorityTier=9
"""


class Unavailable(Exception):
    """This machine has no SLURM, or one that does not start here."""


def free_ports(count):
    holders = [socket.socket() for _ in range(count)]
    try:
        for holder in holders:
            holder.bind(("127.0.0.1", 0))
        return [holder.getsockname()[1] for holder in holders]
    finally:
        for holder in holders:
            holder.close()


class Cluster:
    def __init__(self, folder):
        self.folder = folder
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"),
                            "PATH": f"{os.environ['PATH']}:{SBIN}"}
        self.daemons = []

    def start(self):
        """Raises Unavailable where that is not possible."""
        path = self.environment["PATH"]
        missing = [name for name in (*DAEMONS, *COMMANDS) if not shutil.which(name, path=path)]
        if missing:
            raise Unavailable(f"there is no {', '.join(missing)} here; Debian has them in munge, "
                              "slurm-client, slurmctld and slurmd")
        try:
            self.configure()
            self.spawn("munged", "--foreground", "--force", f"--socket={self.folder}/munge.socket",
                       f"--key-file={self.folder}/munge.key", f"--log-file={self.folder}/munged.log",
                       f"--pid-file={self.folder}/munged.pid", f"--seed-file={self.folder}/seed")
            self.wait(lambda: (self.folder / "munge.socket").exists(), "munged does not start")
            self.spawn("slurmctld", "-D", "-c")
            self.spawn("slurmd", "-D", "-c")
            self.wait(lambda: "idle" in self.run("sinfo", "--noheader", "--format=%T"),
                      "the node does not come up")
        except BaseException:
            self.end_daemons()
            raise

    def stop(self):
        self.run("scancel", "--user", str(os.getuid()))
        try:
            self.wait(lambda: not self.run("squeue", "--noheader"), "jobs stay")
        finally:
            self.end_daemons()

    def configure(self):
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(64))
        key.chmod(0o400)
        for i in range(4):
            (self.folder / f"gpu{i}").symlink_to("/dev/null")  # any device will do
        (self.folder / "gres.conf").write_text(f"Name=gpu File={self.folder}/gpu[0-3]\n")
        # What lies in /tmp by job number would meet that of another cluster.
        (self.folder / "mpi.conf").write_text(f"PMIxCliTmpDirBase={self.folder}\n")
        (self.folder / "slurm.conf").write_text(CONFIG.format(
            node=os.uname().nodename.split(".")[0], user=os.getuid(), folder=self.folder,
            ports=free_ports(2)))

    def spawn(self, *command):
        log = open(self.folder / f"{command[0]}.out", "w", encoding="utf-8")
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL,
                                             stdout=log, stderr=subprocess.STDOUT))
        log.close()

    def end_daemons(self):
        for daemon in reversed(self.daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def wait(self, condition, otherwise, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            ended = [daemon.args[0] for daemon in self.daemons if daemon.poll() is not None]
            if ended or time.monotonic() > end:
                raise Unavailable(f"{otherwise}{', as it ended' if ended else ''}:\n{self.logs()}")
            time.sleep(0.1)

    def logs(self):
        tails = []
        for file in sorted(self.folder.glob("*.out")):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
            tails += [f"{file.stem}: {line}" for line in lines[-5:]]
        return "\n".join(tails)

    def run(self, *command, **options):
        """Its output, or nothing where it fails."""
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True,
                              timeout=60, check=False, **options)
        return done.stdout.strip() if done.returncode == 0 else ""
