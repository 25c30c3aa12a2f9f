/**
 * A TCP connection that receives in large pieces, always into the same memory. Node reads 64 kB into new memory each
 * time: at a gigabyte per second that is 16,000 pieces and as much garbage, which costs more than all else that a
 * download does with the bytes before they are on the disk.
 */
import { connect, type Socket, type TcpSocketConnectOpts } from 'node:net';

/** What the kernel has received, up to this, comes as one piece. */
const PIECE = 512 * 1024;

/**
 * What `read` returns is overwritten by the next piece, which does not come before `read` is called again: whoever
 * reads must be done with a piece before it asks for more. With `unshift` it gives back what it did not take.
 */
export function connectWide(options: TcpSocketConnectOpts): Socket {
  const buffer = Buffer.allocUnsafeSlow(PIECE);
  let piece: Buffer | undefined;
  /** Whoever reads has seen the end of the last piece. */
  let asked = false;
  const callback = (bytes: number) => {
    piece = buffer.subarray(0, bytes);
    asked = false;
    socket.emit('readable');
    return asked; // else it stops receiving
  };
  const socket = connect({ ...options, onread: { buffer, callback } });
  const read = socket.read.bind(socket);
  socket.read = (wanted?: number) => {
    if (!piece) {
      asked = true;
      return read(wanted); // it receives again, and tells of the end
    }
    if (wanted === 0) {
      // Not a wish for bytes, but how a listener for them is told that there are some.
      socket.emit('readable');
      return null;
    }
    const taken = piece;
    piece = undefined;
    return taken;
  };
  socket.unshift = (rest: Buffer) => {
    if (rest.length > 0) piece = rest;
  };
  return socket;
}
