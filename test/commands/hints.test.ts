/** Commands that are printed can be pasted: into a shell, from the folder where pcam was called. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { readEnvironment } from '#pcam/commands/environment.js';
import { commandLine, hintLine } from '#pcam/commands/hints.js';

const called = (script: string, env: NodeJS.ProcessEnv = {}) => readEnvironment(env, script).calledAs;

function context(given: { dir?: string; manifest?: string } = {}) {
  return { env: { calledAs: 'pcam' }, given } as Parameters<typeof commandLine>[0];
}

describe('the name by which pcam was called', () => {
  it.each([
    ['on the PATH', '/usr/bin/pcam', { PATH: '/bin:/usr/bin' }, 'pcam'],
    ['not on the PATH', '/opt/pcam/bin/pcam', { PATH: '/bin' }, '/opt/pcam/bin/pcam'],
    ['npx', '/home/me/p/node_modules/.bin/pcam', { npm_command: 'exec', PATH: '/bin' }, 'npx pcam'],
    ['a script with a space', '/a b/pcam.js', {}, 'node "/a b/pcam.js"'],
    ['a script below this folder', `${process.cwd()}/bin/pcam.js`, {}, 'node bin/pcam.js'],
  ])('%s', (_, script, env, name) => {
    expect(called(script, env)).toBe(name);
  });
});

describe('a command', () => {
  it('repeats the folder and the manifest that were given', () => {
    const line = commandLine(context({ dir: 'slow/pcam', manifest: 'http.json' }), {
      command: 'download',
      splits: ['valid'],
      kinds: ['labels'],
    });
    expect(line).toBe('pcam download --split valid --kind labels --dir slow/pcam --manifest http.json');
    expect(commandLine(context(), { command: 'verify', fix: true })).toBe('pcam verify --fix');
  });

  it.each(['my data', "it's", '$HOME', '`id`', 'a;b', 'ä ö'])('is safe to paste with %j', (dir) => {
    const line = commandLine(context({ dir }), { command: 'verify' });
    const words = execFileSync('sh', ['-c', line.replace(/^pcam/, "printf '%s\\n'")], { encoding: 'utf8' });
    expect(words.trimEnd().split('\n')).toEqual(['verify', '--dir', dir]);
  });
});

it('a hint names the flags of the options that it is about', () => {
  const hint = hintLine(context(), { hint: 'name another place', options: ['mirrors', 'shardSize'] });
  expect(hint).toBe('name another place (--mirror, --shard-size)');
  expect(hintLine(context(), { next: { command: 'download' } })).toBe('`pcam download`');
});

it.each([
  [{}, 'auto'],
  [{ NO_COLOR: '1' }, 'never'],
  [{ TERM: 'dumb' }, 'never'],
  [{ FORCE_COLOR: '1', NO_COLOR: '1' }, 'always'],
  [{ FORCE_COLOR: '0' }, 'never'],
])('colour with %o: %s', (env, colour) => {
  expect(readEnvironment(env as NodeJS.ProcessEnv, '').colour).toBe(colour);
});

it.each([
  [{ KITTY_WINDOW_ID: '1', TERM: 'xterm-kitty' }, 'kitty'],
  [{ TERM: 'xterm-ghostty' }, 'kitty'],
  [{ TERM_PROGRAM: 'iTerm.app', TERM: 'xterm-256color' }, 'iterm2'],
  [{ TERM_PROGRAM: 'WezTerm' }, 'iterm2'],
  [{ LC_TERMINAL: 'iTerm2', TERM: 'xterm-256color' }, 'iterm2'],
  [{ TERM: 'xterm-256color' }, 'blocks'],
  [{ KITTY_WINDOW_ID: '1', TMUX: '/tmp/tmux-0/default,1,0', TERM: 'tmux-256color' }, 'blocks'],
  [{ TERM_PROGRAM: 'iTerm.app', TERM: 'screen' }, 'blocks'],
  [{ KITTY_WINDOW_ID: '1', NO_COLOR: '1' }, undefined],
  [{ KITTY_WINDOW_ID: '1', NO_COLOR: '' }, 'kitty'],
  [{ TERM: 'dumb' }, undefined],
])('pictures with %j: %s', (env, graphics) => {
  expect(readEnvironment(env, '').graphics).toBe(graphics);
});
