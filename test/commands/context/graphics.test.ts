/** How terminals say that they can show pictures. */
import { expect, it } from 'vitest';
import { readEnvironment } from '#pcam/commands/context/environment.js';

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
])('%j: %s', (env, graphics) => {
  expect(readEnvironment(env, '').graphics).toBe(graphics);
});
