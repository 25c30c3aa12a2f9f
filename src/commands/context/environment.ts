/** Settings from the environment; the only reader of it. */
import type { ProxySettings } from '../../core/index.js';
import type { Graphics } from '../../explore/preview/index.js';

export interface Environment {
  dir?: string;
  manifest?: string;
  proxy: ProxySettings;
  noColor: boolean;
  /** How the terminal shows pictures; `undefined` where it takes no colours either. */
  graphics: Graphics | undefined;
}

export function readEnvironment(env: NodeJS.ProcessEnv = process.env): Environment {
  const pick = (...names: string[]) => names.map((name) => env[name]).find((value) => value);
  return {
    dir: pick('PCAM_DIR'),
    manifest: pick('PCAM_MANIFEST'),
    proxy: {
      http: pick('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'),
      https: pick('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'),
      no: pick('no_proxy', 'NO_PROXY'),
    },
    noColor: pick('NO_COLOR') !== undefined,
    graphics: graphicsOf(env),
  };
}

/** What terminals say of themselves. Inside tmux and screen, the variables of the outer terminal promise too much. */
function graphicsOf(env: NodeJS.ProcessEnv): Graphics | undefined {
  const { TERM = '', TERM_PROGRAM = '' } = env;
  if (env.NO_COLOR || TERM === 'dumb') return undefined;
  if (env.TMUX || env.STY || /^(tmux|screen)/.test(TERM)) return 'blocks';
  if (env.KITTY_WINDOW_ID || /^xterm-(kitty|ghostty)$/.test(TERM) || TERM_PROGRAM === 'ghostty')
    return 'kitty';
  if (/^(iTerm\.app|WezTerm|mintty)$/.test(TERM_PROGRAM) || env.LC_TERMINAL === 'iTerm2') return 'iterm2';
  return 'blocks';
}
