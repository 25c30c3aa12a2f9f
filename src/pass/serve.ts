/** The side of a pass that does the work, in a thread of its own or not. */
import type { Serve } from '../threads/index.js';
import { plainFailure } from './failure.js';
import { Growth } from './growth.js';
import type { FromPass, PassRequest, ToPass } from './protocol.js';
import { runPass } from './run-pass.js';

export const servePass: Serve<PassRequest, ToPass, FromPass> = (request, say) => {
  const growth = new Growth();
  const onProgress = (read: number, written: number) => say({ type: 'progress', read, written });
  const run = async () => {
    try {
      say({ type: 'done', result: await runPass(request, { growth, onProgress }) });
    } catch (error) {
      say({ type: 'failed', failure: plainFailure(error) });
    }
  };
  const running = run();
  return {
    hear: (message) => growth.hear(message),
    end: async () => {
      growth.stop(new Error('stopped'));
      await running;
    },
  };
};
