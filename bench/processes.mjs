/** Runs commands to their end and measures them from outside: wall time, CPU time, peak memory. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * Runs one command.
 * @param {string} command
 * @param {string[]} args
 * @param {{cwd?: string, env?: Record<string, string>}} [options]
 * @returns {Promise<{seconds: number, peakMB: number, ended: number, stdout: string}>} peakMB: resident, of the
 *   process with all its threads, as the kernel counts it; ended: epoch seconds
 */
export function run(command, args, { cwd, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let peakMB = 0;
    let stdout = '';
    // VmHWM only ever grows, so the last look before the end is the peak but for the last few milliseconds.
    const watch = setInterval(() => {
      peakMB = Math.max(peakMB, peakOf(child.pid));
    }, 20);
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.on('error', (error) => {
      clearInterval(watch);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearInterval(watch);
      const seconds = (performance.now() - began) / 1000;
      if (code === 0) resolve({ seconds, peakMB, ended: Date.now() / 1000, stdout });
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}\n${stdout}`));
    });
  });
}

function peakOf(pid) {
  try {
    const kB = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Number(kB ?? 0) / 1024;
  } catch {
    return 0;
  }
}

/** Of an odd number of values the middle one. */
export function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
