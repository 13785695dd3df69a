/** Holds a connection until the content was read to its end or the image is disposed of. */
export interface RemoteImage extends AsyncDisposable {
  /** Where it was found in the end, for messages: without anything secret. */
  readonly name: string;
  /** Of the whole image, as the server announces it. */
  readonly bytes?: number;
  /** Where the content begins: at what was asked for, or at 0 when all of it comes. */
  readonly offset: number;
  /** By which the server tells this image from what may stand there later. */
  readonly validator?: string;
  /** Whether a truncated body can be told from a whole one: not when the end of the connection is its end. */
  readonly endKnown: boolean;
  /** The first `length` bytes; fewer only when the image is shorter. They stay part of the content. */
  head(length: number): Promise<Uint8Array>;
  /** All of it from `offset` on, once. */
  readonly content: AsyncIterable<Uint8Array>;
}
