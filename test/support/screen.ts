/** A real terminal, by tmux: what is on its screen after a program has run in it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

export const hasTmux = spawnSync('tmux', ['-V']).status === 0;

export class Screen implements Disposable {
  readonly #server = `pcam-test-${randomUUID()}`;

  /** Starts a command in a terminal of so many columns and rows. */
  constructor(command: string, columns: number, rows = 24) {
    const size = ['-x', String(columns), '-y', String(rows)];
    const env = { ...process.env, TMUX: '', TERM: 'xterm-256color' };
    const start = ['new-session', '-d', ...size, command];
    const keep = ['set-option', '-g', 'remain-on-exit', 'on'];
    execFileSync('tmux', ['-L', this.#server, '-f', '/dev/null', ...keep, ';', ...start], { env });
  }

  /** The rows of the screen, the last empty ones left out. */
  rows({ history = false } = {}): string[] {
    const text = this.#tmux('capture-pane', '-p', ...(history ? ['-S', '-200'] : []));
    return text.replace(/(\s*Pane is dead[^\n]*)?\s*$/, '').split('\n');
  }

  resize(columns: number, rows = 24): void {
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** Waits until the screen shows something; fails with the screen when it does not. */
  async shows(pattern: RegExp): Promise<string[]> {
    for (let turn = 0; turn < 400; turn++) {
      const rows = this.rows();
      if (pattern.test(rows.join('\n'))) return rows;
      await sleep(25);
    }
    throw new Error(`the screen never showed ${pattern}:\n${this.rows().join('\n')}`);
  }

  press(...keys: string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server');
  }

  #tmux(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#server, ...args], { encoding: 'utf8' });
  }
}
