/** Settings from the environment; the only reader of it. */
import { posix, relative, win32 } from 'node:path';
import type { ProxySettings } from '../core/index.js';
import type { Graphics } from '../explore/preview/index.js';

export interface Environment {
  dir?: string;
  manifest?: string;
  proxy: ProxySettings;
  /** `auto`: where the output is a terminal. */
  colour: 'always' | 'never' | 'auto';
  /** A terminal that cannot move its cursor: progress is a few plain lines. */
  dumb: boolean;
  /** How pcam was called, for commands that are printed: `pcam`, `npx pcam`, `node bin/pcam.js`, `python -m pcam`. */
  calledAs: string;
  /** The shell that printed commands are quoted for. */
  shell: Shell;
  zenodoToken?: string;
  /** Path of a cookies.txt with the user's session at Google. */
  gdriveCookies?: string;
  /** Path of a file with the certificates to trust (PEM), as OpenSSL, curl and Python take it. */
  certificates?: string;
  /** Path of certificates that Node.js trusts besides its own. */
  extraCertificates?: string;
  /** Reached through ssh: the browser is on another machine. */
  remote: boolean;
  /** A desktop, on which a web browser can be opened. */
  desktop: boolean;
  /** How the terminal shows pictures; `undefined` where it takes no colours either. */
  graphics: Graphics | undefined;
}

export type Shell = 'posix' | 'cmd' | 'powershell';

/** @param script path of the script that was called */
export function readEnvironment(
  env: NodeJS.ProcessEnv,
  script: string,
  platform: NodeJS.Platform = process.platform,
): Environment {
  const shell = shellOf(env, platform);
  const pick = (...names: string[]) => names.map((name) => env[name]).find((value) => value);
  return {
    dir: pick('PCAM_DIR'),
    manifest: pick('PCAM_MANIFEST'),
    proxy: {
      http: pick('http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'),
      https: pick('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'),
      no: pick('no_proxy', 'NO_PROXY'),
    },
    colour: colourOf(env),
    dumb: env.TERM === 'dumb' || isNotebook(env),
    calledAs: env.PCAM_CALLED_AS || calledAs(env, script, { shell, platform }),
    shell,
    // A token that was read from a file ends with a line end.
    zenodoToken: pick('ZENODO_TOKEN')?.trim() || undefined,
    gdriveCookies: pick('GDRIVE_COOKIES'),
    certificates: pick('SSL_CERT_FILE'),
    extraCertificates: pick('NODE_EXTRA_CA_CERTS'),
    remote: Boolean(env.SSH_CONNECTION),
    desktop: platform !== 'linux' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY),
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

/** As https://force-color.org and https://no-color.org have it; FORCE_COLOR wins. */
function colourOf({ FORCE_COLOR, NO_COLOR, TERM }: NodeJS.ProcessEnv): Environment['colour'] {
  if (FORCE_COLOR) return FORCE_COLOR === '0' || FORCE_COLOR === 'false' ? 'never' : 'always';
  return NO_COLOR || TERM === 'dumb' ? 'never' : 'auto';
}

/** Jupyter shows a cell's output as text, whatever moves the cursor. Its `!command` runs on a terminal of its own. */
function isNotebook({ JPY_PARENT_PID, TERM, CLICOLOR_FORCE, GIT_PAGER }: NodeJS.ProcessEnv): boolean {
  const isKernel = TERM === 'xterm-color' && CLICOLOR_FORCE === '1' && GIT_PAGER === 'cat';
  return Boolean(JPY_PARENT_PID) || isKernel;
}

/** The command prompt of Windows sets PROMPT, PowerShell does not; Git Bash and other shells of Unix set SHELL. */
function shellOf({ PROMPT, SHELL }: NodeJS.ProcessEnv, platform: NodeJS.Platform): Shell {
  if (platform !== 'win32' || SHELL) return 'posix';
  return PROMPT ? 'cmd' : 'powershell';
}

interface Place {
  shell: Shell;
  platform: NodeJS.Platform;
}

/** A command that starts this pcam again from the same folder. */
function calledAs(env: NodeJS.ProcessEnv, script: string, { shell, platform }: Place): string {
  const { basename, dirname, delimiter, sep } = platform === 'win32' ? win32 : posix;
  const name = basename(script);
  const isShim = /[\\/]node_modules[\\/]/.test(script);
  if (isShim && env.npm_command === 'exec') return 'npx pcam';
  // Windows starts the script itself for a command that npm installed.
  if (isShim && platform === 'win32') return 'pcam';
  if (name === 'pcam' && (env.PATH ?? '').split(delimiter).includes(dirname(script))) return 'pcam';
  if (name === '' || name === 'pcam.exe') return 'pcam';
  const path = shortest(script);
  if (/\.[cm]?js$/.test(name)) return `node ${quote(path, shell)}`;
  const called = quote(/[\\/]/.test(path) ? path : `.${sep}${path}`, shell);
  // PowerShell takes a quoted word for a string, not for a command.
  return shell === 'powershell' && called.startsWith("'") ? `& ${called}` : called;
}

function shortest(path: string): string {
  try {
    const way = relative(process.cwd(), path);
    return way.length < path.length ? way : path;
  } catch {
    return path; // the current directory has been removed
  }
}

/** A word for a command line that is pasted into the shell. */
export function quote(word: string, shell: Shell): string {
  if (shell === 'posix') return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  if (/^[\w@+=:./\\-]+$/.test(word)) return word;
  // Programs of Windows take a backslash before a double quote for an escape: https://learn.microsoft.com/cpp/c-language/parsing-c-command-line-arguments
  const escaped = word.replace(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1');
  return shell === 'cmd' ? `"${escaped}"` : `'${escaped.replaceAll("'", "''")}'`;
}
