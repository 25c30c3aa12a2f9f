/** Whether the settings of the network leave a way to any source, before a request is sent. */
import type { SourceConfig } from '../manifest/index.js';
import type { HttpClient } from '../net/index.js';

/**
 * Proxy settings that pcam cannot use are the user's to correct where every source would have to be asked that way.
 * Where one source can be reached, they are a failure of the others.
 * @throws PcamError USAGE
 */
export function requireReachable(sources: readonly SourceConfig[], client: HttpClient): void {
  let problem: unknown;
  for (const { type, baseUrl } of sources) {
    if (type === 'file') return;
    try {
      client.proxyFor(baseUrl);
      return;
    } catch (error) {
      problem ??= error;
    }
  }
  if (problem !== undefined) throw problem;
}
