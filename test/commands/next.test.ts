/** The last line of every command is the next useful command, and it works when it is pasted. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Ended, PCAM, startPcam } from '../support/process.js';
import { sharedFolder } from '../support/temp.js';

let root: { folder: string; remove: () => Promise<void> };
beforeAll(async () => {
  root = await sharedFolder();
});
afterAll(() => root.remove());

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1)!;

/** Runs a line as a person pastes it, from the folder where pcam printed it. */
function paste(line: string): Pick<Ended, 'code' | 'stdout' | 'stderr'> {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', line], { cwd: root.folder, encoding: 'utf8' });
  return { code: status ?? undefined, stdout, stderr };
}

/** The same in a terminal, whose text is what a person sees. */
function onTerminal(line: string): Pick<Ended, 'code' | 'stdout' | 'stderr'> {
  const { code, stdout, stderr } = paste(`script -qec ${JSON.stringify(line.trim())} /dev/null < /dev/null`);
  return { code, stdout: stdout.replaceAll('\r\n', '\n'), stderr };
}

const pcam = (...args: string[]) => startPcam(args, { cwd: root.folder }).ended;

it('leads from a fixture to shards, one pasted line after the other', async () => {
  let { code, stderr } = await pcam('fixture', 'small', '--train', '12', '--valid', '8', '--test', '8');
  const commands: string[] = [];
  let stdout = '';
  for (let i = 0; i < 6; i++) {
    const line = lastLine(stderr + stdout);
    expect(line).toMatch(/^ {2}node .*pcam\.js /);
    commands.push(/pcam\.js (\S+)/.exec(line)![1]!);
    ({ code, stdout, stderr } = onTerminal(line));
    expect(code, `${line}\n${stderr}`).toBe(0);
  }
  expect(commands).toEqual(['download', 'verify', 'stats', 'report', 'export', 'export']);
});

it.each([
  ['subset', ['--out', 'sub set/pcam', '--sample', '4']],
  ['download', ['--dry-run']],
])('ends %s %j with a command that works', async (command, options) => {
  const { code, stderr } = await pcam(command, ...options, ...common());
  expect(code, stderr).toBe(0);
  const line = lastLine(stderr);
  const next = paste(line);
  expect(next.code, `${line}\n${next.stderr}`).toBe(0);
});

it.each([
  ['stats', 'info', []],
  ['stats', 'info', ['valid_y.h5']],
  ['stats', 'info', ['--probe']],
  ['report', 'preview', ['--rows', '1', '--cols', '2', '-o', 'sheet.png']],
])('names %s after %s %j', (next, command, options) => {
  const { code, stdout } = onTerminal(['node', PCAM, command, ...options, ...common()].join(' '));
  expect(code, stdout).toBe(0);
  expect(lastLine(stdout)).toMatch(new RegExp(`^  node .*pcam\\.js ${next} --dir .*pcam --manifest`));
});

const common = () => ['--manifest', join('small', 'manifest.json'), '--dir', join('small-data', 'pcam')];

it('names the other part after a part, and the whole after the last', async () => {
  const raw = ['export', '--format', 'raw', '--split', 'test', '--shard-size', '4', '--out', 'two'];
  const first = await pcam(...raw, '--part=1/2', ...common());
  expect(lastLine(first.stderr)).toContain('--part 2/2');
  const second = paste(lastLine(first.stderr));
  expect(second.stderr).toContain('the export is complete');
  expect(lastLine(second.stderr)).not.toContain('--part');
  expect(paste(lastLine(second.stderr)).stderr).toContain('(4 present before)');
});

it('prints no secret of a mirror in the command after a dry run', async () => {
  const mirror = 'https://me:HUSH@127.0.0.1:1/p?token=HUSH';
  const { code, stderr, stdout } = await pcam('download', '--dry-run', '--mirror', mirror, '--dir', 'none');
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain('HUSH');
  expect(lastLine(stderr)).toMatch(/ download --dir none$/);
});

it('adds nothing to what scripts read but the name of another manifest', async () => {
  for (const args of [['stats', '--json'], ['info'], ['info', '--cite'], ['verify'], ['cache-key']]) {
    const { code, stderr } = await pcam(...args, ...common());
    const said = `manifest: ${join(root.folder, 'small', 'manifest.json')}\n`;
    expect([code, stderr], args.join(' ')).toEqual([0, said]);
  }
});
