/** A stream that keeps what is written to it, in the place of stdout or stderr. */
import { Writable } from 'node:stream';

export class Collector extends Writable {
  text = '';

  _write(chunk, _encoding, done) {
    this.text += chunk;
    done();
  }
}
