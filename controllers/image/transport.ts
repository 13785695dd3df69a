import { ImageError, type ImageErrorCode } from './error.js';
import { plain } from './text.js';

const certificateCodes = /^(CERT_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_|HOSTNAME_MISMATCH|ERR_TLS_|ERR_SSL_|EPROTO)/;

const remedies: Partial<Record<ImageErrorCode, string>> = {
  Untrusted: "; correct the server's certificate or TLS, which are always verified",
  TimedOut: '; it is tried again',
  Unavailable: '; it is tried again',
};

/** What a name look-up, a connection or a request failed with, as one of ours. The original is left out: it can hold headers. */
export function transportError(reason: unknown, name: string, signal: AbortSignal): ImageError {
  if (reason instanceof ImageError) return reason;
  if (signal.aborted) return new ImageError('Aborted', `${name}: given up before its end`);
  const [code, words] = described(reason);
  const kind = kindOf(code);
  return new ImageError(kind, `${name}: ${plain(words, 200)}${remedies[kind] ?? ''}`);
}

function kindOf(code: string): ImageErrorCode {
  if (certificateCodes.test(code)) return 'Untrusted';
  return code === 'ETIMEDOUT' || code === 'TimeoutError' ? 'TimedOut' : 'Unavailable';
}

/** Connecting to several addresses fails with all their errors in one that says nothing itself. */
function described(reason: unknown): readonly [code: string, words: string] {
  if (reason instanceof AggregateError && reason.errors.length > 0) return described(reason.errors[0]);
  if (!(reason instanceof Error)) return ['', String(reason)];
  const code = 'code' in reason && typeof reason.code === 'string' ? reason.code : reason.name;
  if (code.startsWith('HPE_')) return [code, `the answer is not HTTP (${code})`];
  return [code, reason.message.includes(code) ? reason.message : `${reason.message} (${code})`];
}
