/** How a request to a source can fail, and what each kind of failure means for the source. */
import { printable } from '../core/index.js';

/**
 * - `passing`: the network or the server stumbled (reset, stall, 5xx, a reply that ends early): try again soon.
 * - `busy`: the server asked for a pause (429, 503): try again when it says.
 * - `refused`: the server answers, but not with the file (403, quota page, an HTML page): try once or twice more.
 * - `wrong`: this source cannot serve this file (404, another size, a bad certificate): never try again.
 */
export type FailureKind = 'passing' | 'busy' | 'refused' | 'wrong';

export interface FailureOptions {
  retryAfter?: number;
  wholeHost?: boolean;
  proxy?: string;
  missing?: boolean;
  quota?: boolean;
  status?: number;
  hint?: string;
  cause?: unknown;
}

export class SourceFailure extends Error {
  readonly kind: FailureKind;
  /** How long the server asked for (ms). */
  readonly retryAfter?: number;
  /** The whole host is concerned, not just the file that was asked for. */
  readonly wholeHost: boolean;
  /** `host:port` of the proxy whose failure it is; undefined where the source itself failed. */
  readonly proxy?: string;
  /** The source is in order and has no file of this name. */
  readonly missing: boolean;
  /** The host has sent this file as often as it does in a day. */
  readonly quota: boolean;
  /** The HTTP status of the reply, where that is what the failure is. */
  readonly status?: number;
  /** What can be done about it. */
  readonly hint?: string;

  constructor(kind: FailureKind, message: string, options: FailureOptions = {}) {
    const {
      retryAfter,
      wholeHost = false,
      proxy,
      missing = false,
      quota = false,
      status,
      hint,
      cause,
    } = options;
    super(printable(message, 400), cause === undefined ? undefined : { cause });
    this.name = 'SourceFailure';
    this.kind = kind;
    this.retryAfter = retryAfter;
    this.wholeHost = wholeHost;
    this.proxy = proxy;
    this.missing = missing;
    this.quota = quota;
    this.status = status;
    this.hint = hint === undefined ? undefined : printable(hint, 400);
  }
}
