import type { IncomingMessage } from 'node:http';
import type { Line } from './pipe.js';
import type { Picture } from './wire.js';

/** What somebody may do who comes in, once. Of a delivery no bytes come before `wanted` is called. */
export type Service =
  | { readonly kind: 'line'; open(asked: URLSearchParams, signal: AbortSignal): Promise<Line> }
  | { readonly kind: 'picture'; take(signal: AbortSignal): Promise<Picture> }
  | { readonly kind: 'delivery'; receive(request: IncomingMessage, wanted: () => void, signal: AbortSignal): Promise<void> }
  /** Both are JSON. */
  | { readonly kind: 'question'; answer(question: string, signal: AbortSignal): Promise<string> };

/** A session for which the door opens. */
export interface Opening {
  readonly uid: string;
  /** Of the certificate with which one comes in. */
  readonly fingerprint: string;
  /** For the books. */
  readonly purpose: string;
  readonly service: Service;
  /** Somebody came in: nobody else will. */
  readonly onUse?: (from: string) => void;
  /** They left, or were seen off. */
  readonly onEnd?: () => void;
}
