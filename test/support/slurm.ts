/** A Slurm of its own on loopback: one controller and two nodes, all of this machine, gone when the test is over. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { freePort } from './daemon.js';
import { until } from './until.js';

const run = promisify(execFile);
const DAEMONS = ['munged', 'slurmctld', 'slurmd'].map((name) => `/usr/sbin/${name}`);
const NODES = ['n1', 'n2'];

/** Whether this machine can run one. @throws Error in CI, where it has to */
export async function requireSlurm(): Promise<boolean> {
  const present = await Promise.all(
    [...DAEMONS, '/usr/bin/sbatch'].map((path) =>
      readFile(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  if (present.every(Boolean) && process.getuid?.() === 0) return true;
  const line = 'no Slurm here, or not root: its tests are skipped (Debian: apt-get install slurm-wlm munge)';
  if (process.env.CI) throw new Error(line);
  console.warn(line);
  return false;
}

export interface Slurm {
  /** Runs a command of Slurm, or one that uses it. */
  run(command: string, args: readonly string[], env?: Record<string, string>): Promise<string>;
}

export async function startSlurm(folder: string): Promise<Slurm> {
  const config = await configure(folder);
  const env = { ...process.env, SLURM_CONF: config.path };
  const start = (command: string, args: readonly string[]) => startForeground({ command, args, env, folder });
  const munge = ['--foreground', '--force', '--socket', config.socket, '--key-file', config.key];
  const files = ['pid', 'log', 'seed'].map((name) => `--${name}-file=${join(folder, `munge.${name}`)}`);
  start('/usr/sbin/munged', [...munge, ...files]);
  await until('munged answers', () => run('munge', ['--no-input', '--socket', config.socket]));
  start('/usr/sbin/slurmctld', ['-D']);
  for (const node of NODES) start('/usr/sbin/slurmd', ['-D', '-N', node]);
  const slurm: Slurm = {
    run: async (command, args, more = {}) => {
      const { stdout } = await run(command, [...args], { env: { ...env, ...more }, cwd: folder });
      return stdout.trim();
    },
  };
  await until('both nodes are idle', async () => {
    const states = await slurm.run('sinfo', ['--noheader', '--Node', '--format=%t']);
    if (states !== 'idle\nidle') throw new Error(states);
  });
  return slurm;
}

interface Config {
  path: string;
  socket: string;
  key: string;
}

async function configure(folder: string): Promise<Config> {
  const [path, socket, key] = ['slurm.conf', 'munge.socket', 'munge.key'].map((name) => join(folder, name));
  await writeFile(key!, randomBytes(128), { mode: 0o400 });
  for (const name of ['state', ...NODES]) await mkdir(join(folder, name));
  await chmod(folder, 0o755);
  const nodes = await Promise.all(
    NODES.map(
      async (node) =>
        `NodeName=${node} NodeHostName=${hostname()} NodeAddr=127.0.0.1 Port=${await freePort()} CPUs=12 RealMemory=4000`,
    ),
  );
  const settings = {
    ClusterName: 'pcam',
    SlurmctldHost: `${hostname()}(127.0.0.1)`,
    SlurmctldPort: await freePort(),
    SlurmUser: 'root',
    SlurmdUser: 'root',
    AuthType: 'auth/munge',
    // A requeued job waits this long, 120 s by default.
    AuthInfo: `socket=${socket},cred_expire=5`,
    StateSaveLocation: join(folder, 'state'),
    SlurmdSpoolDir: join(folder, '%n'),
    SlurmctldPidFile: join(folder, 'slurmctld.pid'),
    SlurmdPidFile: join(folder, '%n.pid'),
    SlurmctldLogFile: join(folder, 'slurmctld.log'),
    SlurmdLogFile: join(folder, '%n.log'),
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    MpiDefault: 'none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_Core',
    SchedulerParameters: 'sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=1',
    ReturnToService: 2,
    KillWait: 1,
    // This machine may have fewer cores than the jobs ask for.
    SlurmdParameters: 'config_overrides',
  };
  const text = [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...nodes,
    `PartitionName=main Nodes=${NODES.join(',')} Default=YES State=UP`,
  ];
  await writeFile(path!, `${text.join('\n')}\n`);
  return { path: path!, socket: socket!, key: key! };
}

interface Start {
  command: string;
  args: readonly string[];
  env: NodeJS.ProcessEnv;
  folder: string;
}

function startForeground({ command, args, env, folder }: Start): ChildProcess {
  const child = spawn(command, [...args], { env, cwd: folder, stdio: 'ignore' });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  // Asked first: slurmd then ends what it runs.
  onTestFinished(async () => {
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), 5000);
    await exited;
    clearTimeout(late);
  });
  return child;
}
