/** What a promise came to, for assertions on failures. */
import { PcamError } from '#pcam/core/errors.js';
import { SourceFailure } from '#pcam/net/failure.js';

/** The error that `promise` (or what `run` throws) fails with; fails the test when it does not. */
export async function failureOf(run: Promise<unknown> | (() => unknown)): Promise<unknown> {
  try {
    await (typeof run === 'function' ? run() : run);
  } catch (error) {
    return error;
  }
  throw new Error('expected a failure, and there was none');
}

export async function pcamError(run: Promise<unknown> | (() => unknown)): Promise<PcamError> {
  const error = await failureOf(run);
  if (error instanceof PcamError) return error;
  throw new Error('expected a PcamError', { cause: error });
}

export async function sourceFailure(run: Promise<unknown> | (() => unknown)): Promise<SourceFailure> {
  const error = await failureOf(run);
  if (error instanceof SourceFailure) return error;
  throw new Error('expected a SourceFailure', { cause: error });
}
