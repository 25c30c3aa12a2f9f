/** Settings from the environment; the only reader of it. */
import type { ProxySettings } from '../core/index.js';

export interface Environment {
  dir?: string;
  manifest?: string;
  proxy: ProxySettings;
  noColor: boolean;
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
  };
}
