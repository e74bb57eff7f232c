import type { IncomingMessage } from 'node:http';

/**
 * Reads a request's body up to `limit` bytes. Beyond it: `too-large` at once, while the rest is let run to waste, so
 * that the client gets to read its answer instead of a broken connection. Rejects when the client goes away.
 * `onChunk` learns of every byte that is kept.
 */
export function readBody(
  message: IncomingMessage,
  limit: number,
  onChunk: (bytes: number) => void = () => undefined,
): Promise<Buffer | 'too-large'> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) {
        message.off('data', take);
        chunks.length = 0;
        message.resume();
        resolve('too-large');
        return;
      }
      onChunk(chunk.length);
      chunks.push(chunk);
    };
    message.on('data', take);
    message.once('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    message.once('error', reject);
    message.once('close', () => {
      if (!message.complete) reject(Object.assign(new Error('The client went away.'), { code: 'ECONNRESET' }));
    });
  });
}
