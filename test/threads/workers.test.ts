/** A worker in a thread and one without are the same to whoever asks for the work. */
import { afterEach, expect, it } from 'vitest';
import type { FromPass, PassRequest, ToPass } from '#pcam/pass/protocol.js';
import { servePass } from '#pcam/pass/serve.js';
import { Inline } from '#pcam/threads/inline.js';
import { Thread } from '#pcam/threads/thread.js';
import type { Worker } from '#pcam/threads/types.js';
import { md5, put } from '../support/files.js';
import { temporaryFolder } from '../support/temp.js';

const KINDS: Record<string, (request: PassRequest) => Worker<ToPass, FromPass>> = {
  'a thread': (data) => new Thread({ script: 'pass/worker.js', data, name: 'a test' }),
  'this thread': (request) => new Inline(servePass, request),
};

let worker: Worker<ToPass, FromPass>;
afterEach(() => worker.end());

it.each(Object.keys(KINDS))('in %s answers, and is silent after its end', async (kind) => {
  const folder = await put(await temporaryFolder(), { in: 'some bytes' });
  const request: PassRequest = { input: `${folder}/in`, digests: ['md5'] };

  worker = KINDS[kind]!(request);
  const answer = new Promise<FromPass>((resolve, reject) => worker.listen(resolve, reject));
  worker.tell({ type: 'end', bytes: 10 });
  expect(await answer).toMatchObject({
    type: 'done',
    result: { input: { digests: { md5: md5(Buffer.from('some bytes')) } } },
  });
  await worker.end();
  await worker.end();

  worker = KINDS[kind]!(request);
  const heard: FromPass[] = [];
  worker.listen(
    (message) => heard.push(message),
    (error) => expect.fail(error.message),
  );
  worker.tell({ type: 'available', bytes: 5 });
  await worker.end();
  expect(heard).toEqual([]);
});
