/** The one way in which both sides of every comparison are measured, and the look at what else the machine does. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** CPUs that others may use on average before a figure is worth nothing. */
export const MOST_LOAD = 0.3;
const TICKS = 100; // per second, as the kernel counts (sysconf(_SC_CLK_TCK))
const MARK = 'measured:';

/**
 * Runs a command to its end under GNU time, children included.
 * @param {string[]} argv
 * @param {{ cwd?: string, env?: Record<string, string> }} [options]
 * @returns {Promise<{ seconds: number, cpu: number, peakMB: number, others: number, stdout: string }>} `peakMB`: of the
 *   largest process, in units of 1,000,000 bytes; `others`: CPUs that processes of others used meanwhile
 */
export async function measure(argv, { cwd, env = {} } = {}) {
  const before = cpuOfOthers();
  const began = performance.now();
  const child = spawn('/usr/bin/time', ['-f', `${MARK} %e %U %S %M`, ...argv], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (text) => {
    stdout += text;
  });
  child.stderr.on('data', (text) => {
    stderr += text;
  });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  // The clock here has more digits than the one of GNU time.
  const seconds = (performance.now() - began) / 1000;
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}\n${stderr}`);
  const after = cpuOfOthers();
  const [, user, system, kilobytes] = stderr
    .slice(stderr.lastIndexOf(MARK) + MARK.length)
    .trim()
    .split(' ')
    .map(Number);
  return {
    seconds,
    cpu: user + system,
    peakMB: (kilobytes * 1024) / 1e6,
    others: growth(before, after) / seconds,
    stdout,
  };
}

/** A pipeline of the shell, measured like everything else. */
export function shell(script) {
  return ['bash', '-c', `set -euo pipefail; ${script}`];
}

/** CPU seconds so far of each process that is not of this benchmark, nor a thread of the kernel. */
function cpuOfOthers() {
  const processes = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // After the name in parentheses (proc(5)): state, parent, group, ..., user and system time in fields 14 and 15.
      const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
      const cpu = (Number(fields[11]) + Number(fields[12])) / TICKS;
      processes.set(pid, { parent: fields[1], cpu });
    } catch {
      // It has just ended.
    }
  }
  const ours = (pid) => {
    for (let at = pid; at && at !== '0'; at = processes.get(at)?.parent) {
      if (at === String(process.pid) || at === '2') return true;
    }
    return false;
  };
  return new Map([...processes].filter(([pid]) => !ours(pid)).map(([pid, { cpu }]) => [pid, cpu]));
}

function growth(before, after) {
  let sum = 0;
  for (const [pid, cpu] of after) sum += Math.max(0, cpu - (before.get(pid) ?? 0));
  return sum;
}

/** CPUs that are busy now, whoever keeps them busy: call it when the benchmark itself does nothing. */
async function busyNow() {
  const look = () => {
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n', 1)[0]
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    return (user + nice + system + irq + softirq + steal) / TICKS;
  };
  const before = look();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return look() - before;
}

/** Waits until the machine is idle. @returns {Promise<boolean>} false when it is not within the time */
export async function idle(seconds = 60) {
  for (const end = performance.now() + seconds * 1000; ; ) {
    if ((await busyNow()) <= MOST_LOAD) return true;
    if (performance.now() > end) return false;
  }
}

/** The middle value, or the mean of the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
