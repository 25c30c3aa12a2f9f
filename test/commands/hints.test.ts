/** Commands that are printed can be pasted: into a shell, from the folder where pcam was called. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { refusePlace } from '#pcam/commands/context.js';
import { quote, readEnvironment } from '#pcam/commands/environment.js';
import { commandLine, hintLine } from '#pcam/commands/hints.js';

const called = (script: string, env: NodeJS.ProcessEnv = {}) => readEnvironment(env, script).calledAs;

function context(given: { dir?: string; manifest?: string } = {}) {
  return { env: { calledAs: 'pcam', shell: 'posix' }, given } as Parameters<typeof commandLine>[0];
}

describe('the name by which pcam was called', () => {
  it.each([
    ['on the PATH', '/usr/bin/pcam', { PATH: '/bin:/usr/bin' }, 'pcam'],
    ['not on the PATH', '/opt/pcam/bin/pcam', { PATH: '/bin' }, '/opt/pcam/bin/pcam'],
    ['npx', '/home/me/p/node_modules/.bin/pcam', { npm_command: 'exec', PATH: '/bin' }, 'npx pcam'],
    ['a script with a space', '/a b/pcam.js', {}, "node '/a b/pcam.js'"],
    ['a wrapper that says so', '', { PCAM_CALLED_AS: 'python -m pcam' }, 'python -m pcam'],
    ['a script below this folder', `${process.cwd()}/bin/pcam.js`, {}, 'node bin/pcam.js'],
  ])('%s', (_, script, env, name) => {
    expect(called(script, env)).toBe(name);
  });
});

describe('on Windows', () => {
  const cmd = { PROMPT: '$P$G' };
  it.each([
    ['an executable here, cmd', 'pcam-windows-x64.exe', cmd, '.\\pcam-windows-x64.exe'],
    ['an executable elsewhere, cmd', 'C:\\a b\\p.exe', cmd, '"C:\\a b\\p.exe"'],
    ['an executable elsewhere, PowerShell', 'C:\\a b\\p.exe', {}, "& 'C:\\a b\\p.exe'"],
    ['a script, PowerShell', 'C:\\a\\pcam.js', {}, 'node C:\\a\\pcam.js'],
    ['installed by npm', 'C:\\u\\npm\\node_modules\\pcam\\bin\\pcam.js', cmd, 'pcam'],
  ])('%s', (_, script, env, name) => {
    expect(readEnvironment(env, script, 'win32').calledAs).toBe(name);
  });

  it.each([
    ['cmd', 'C:\\a b\\', '"C:\\a b\\\\"'],
    ['cmd', 'C:\\data', 'C:\\data'],
    ['cmd', '*tumor*', '"*tumor*"'],
    ['cmd', 'a&b', '"a&b"'],
    ['cmd', 'say "x"', '"say \\"x\\""'],
    ['powershell', "it's", "'it''s'"],
    ['powershell', '$HOME', "'$HOME'"],
    ['powershell', 'C:\\a b\\', "'C:\\a b\\\\'"],
    ['posix', 'C:\\a b', "'C:\\a b'"],
  ] as const)('%s takes %j as one word', (shell, word, quoted) => {
    expect(quote(word, shell)).toBe(quoted);
  });

  it.each([
    [{ PROMPT: '$P$G' }, 'cmd'],
    [{}, 'powershell'],
    [{ SHELL: '/usr/bin/bash', PROMPT: '$P$G' }, 'posix'],
  ])('%o: %s', (env, shell) => {
    expect(readEnvironment(env, '', 'win32').shell).toBe(shell);
  });

  it.each(['nul', 'C:\\data\\CON', 'aux.pcam'])('--dir %s is refused as a device', (dir) => {
    expect(() => refusePlace(dir, 'win32')).toThrow(/device of Windows/);
    expect(() => refusePlace(dir, 'linux')).not.toThrow();
  });

  it('a drive that is not there is called that', () => {
    expect(() => refusePlace('Q:\\x', 'win32')).toThrow('there is no drive Q:');
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
  const hint = hintLine(context(), {
    hint: 'name another place',
    options: ['mirrors', 'shardSize', 'extract'],
  });
  expect(hint).toBe('name another place (--mirror, --shard-size, --no-extract)');
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

it.each([
  [{ TERM: 'dumb' }, true],
  [{ JPY_PARENT_PID: '1', TERM: 'xterm-256color' }, true],
  [{ TERM: 'xterm-color', CLICOLOR_FORCE: '1', GIT_PAGER: 'cat' }, true],
  [{ TERM: 'xterm-color', CLICOLOR_FORCE: '1' }, false],
  [{ TERM: 'xterm-256color' }, false],
])('plain lines in place of bars with %o: %s', (env, dumb) => {
  expect(readEnvironment(env, '').dumb).toBe(dumb);
});
