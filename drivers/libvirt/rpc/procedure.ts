import type { Codec } from './xdr.js';

interface Described {
  /** As in libvirt's remote_protocol.x, without its prefix; for messages. */
  readonly name: string;
  readonly number: number;
}

/** A question with one answer. */
export interface Procedure<Args, Result> extends Described {
  readonly kind: 'call';
  readonly args: Codec<Args>;
  readonly result: Codec<Result>;
  /** Whether asking twice leaves the host as asking once: only then may it be sent again after a broken connection. */
  readonly idempotent: boolean;
}

/** A call that opens a stream of bytes, named after where they flow, seen from here. */
export interface StreamProcedure<Args, Flow extends StreamFlow = StreamFlow> extends Described {
  readonly kind: 'stream';
  readonly args: Codec<Args>;
  readonly flow: Flow;
}

export type StreamFlow = 'upload' | 'download' | 'both';

/** A procedure that only looks, or whose repetition changes nothing. */
export function idempotent<Args, Result>(name: string, number: number, args: Codec<Args>, result: Codec<Result>): Procedure<Args, Result> {
  return { kind: 'call', name, number, args, result, idempotent: true };
}

/** A procedure that must not be sent twice. */
export function once<Args, Result>(name: string, number: number, args: Codec<Args>, result: Codec<Result>): Procedure<Args, Result> {
  return { kind: 'call', name, number, args, result, idempotent: false };
}

export function streaming<Args, Flow extends StreamFlow>(
  flow: Flow,
  name: string,
  number: number,
  args: Codec<Args>,
): StreamProcedure<Args, Flow> {
  return { kind: 'stream', name, number, args, flow };
}
