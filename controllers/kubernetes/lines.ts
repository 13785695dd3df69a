import { ApiError } from './error.js';

const newline = 0x0a;

/** Far above what an object may weigh (etcd takes 1.5 MiB), far below what hurts. */
const longestLine = 32 * 2 ** 20;

/** Splits at newlines. Throws Malformed for an endless line, Unavailable when the last one is cut off. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, start)) {
      const line = Buffer.concat([...rest, chunk.subarray(start, end)]).toString('utf8');
      [rest, length, start] = [[], 0, end + 1];
      if (line !== '') yield line;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > longestLine) throw new ApiError('a line of the answer has no end', { status: 200, reason: 'Malformed' });
  }
  if (length > 0) throw new ApiError('the answer ended in the middle of a line', { status: 200, reason: 'Unavailable' });
}
