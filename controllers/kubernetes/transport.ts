import * as http from 'node:http';
import * as https from 'node:https';
import { AgentCache } from './agents.js';
import type { RequestReport } from './api.js';
import { backoffMs } from './backoff.js';
import { type Clock, sleep } from './clock.js';
import type { Connection, Credentials } from './connection.js';
import { ApiError } from './error.js';
import type { Resource } from './resource.js';
import { tell } from './tell.js';
import { TimeLimit } from './time-limit.js';
import { decodeRefusal, malformed, parseJson } from './wire.js';

/** One HTTP request, and what is known about it. */
export interface Call {
  readonly verb: RequestReport['verb'];
  readonly resource?: Resource;
  /** For messages: `get configmaps default/x`. */
  readonly what: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From the server's root on, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: { readonly type: string; readonly content: unknown };
  /** Default `application/json`. */
  readonly accept?: string;
  /** Whether it may be sent again when it is not known if it arrived. */
  readonly repeatable: boolean;
}

export interface TransportOptions {
  readonly timeoutMs: number;
  readonly tries: number;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly onRequest: (request: RequestReport) => void;
  readonly onWarning: (text: string) => void;
}

/** Rather refused than out of memory: ten pages' worth of the largest objects there can be. */
const largestAnswer = 256 * 2 ** 20;
const credentialsAgeMs = 30_000;
const betweenTries = { firstMs: 100, maxMs: 5_000 };
/** Told to wait longer than this, the caller decides. */
const longestWaitMs = 30_000;

/** HTTP towards one API server: credentials, connections kept alive, time limits, tries, refusals as ApiError. */
export class Transport implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #options: TransportOptions;
  readonly #agents = new AgentCache();
  #credentials: { readonly value: Promise<Credentials>; readonly since: number } | undefined;

  constructor(connection: Connection, options: TransportOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** The decoded answer. */
  json(call: Call, signal: AbortSignal): Promise<unknown> {
    return this.#retrying(call, signal, async (limit) => {
      const response = await this.#exchange(call, limit);
      return parseJson(await this.#read(response, call, limit), call.what);
    });
  }

  /** The answer as it comes, once the server has said yes; it ends with the signal. */
  async stream(call: Call, signal: AbortSignal): Promise<http.IncomingMessage> {
    const response = await this.#retrying(call, signal, (limit) => this.#exchange(call, limit));
    endWith(response, signal);
    return response;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agents.clear();
  }

  async #retrying<R>(call: Call, signal: AbortSignal, work: (limit: TimeLimit) => Promise<R>): Promise<R> {
    for (let failures = 0; ; failures++) {
      const limit = new TimeLimit(this.#options.clock, this.#options.timeoutMs, signal);
      try {
        return await this.#report(call, () => work(limit));
      } catch (error) {
        const wait = this.#waitBeforeRetry(call, error, failures);
        if (wait === undefined) throw error;
        await sleep(this.#options.clock, wait, signal);
      } finally {
        limit.lift();
      }
    }
  }

  /** Milliseconds; undefined: not again. Whatever was refused with 429 was not done, so it may always be sent again. */
  #waitBeforeRetry(call: Call, error: unknown, failures: number): number | undefined {
    if (this.#renewsCredentials(error, failures)) return 0;
    if (!ApiError.is(error, 'TooManyRequests', 'Unavailable', 'Internal') || failures + 1 >= this.#options.tries) return undefined;
    if (!call.repeatable && error.reason !== 'TooManyRequests') return undefined;
    const wait = Math.max(error.retryAfterMs ?? 0, backoffMs(failures, betweenTries));
    return wait > longestWaitMs ? undefined : wait;
  }

  #renewsCredentials(error: unknown, failures: number): boolean {
    if (!ApiError.is(error, 'Unauthorized')) return false;
    this.#credentials = undefined;
    return failures === 0;
  }

  async #report<R>(call: Call, work: () => Promise<R>): Promise<R> {
    const { clock, onRequest } = this.#options;
    const start = clock.monotonic();
    const told = (code: number): void => {
      const seconds = (clock.monotonic() - start) / 1000;
      tell(() => onRequest({ verb: call.verb, resource: call.resource?.plural ?? '', code, seconds }));
    };
    try {
      const result = await work();
      told(200);
      return result;
    } catch (error) {
      told(error instanceof ApiError ? error.status : 0);
      throw error;
    }
  }

  async #exchange(call: Call, limit: TimeLimit): Promise<http.IncomingMessage> {
    const credentials = await limit.race(this.#currentCredentials(), call.what);
    const response = await limit.race(this.#send(call, credentials, limit.signal), call.what);
    const status = response.statusCode ?? 0;
    for (const text of warningsOf(response)) tell(() => this.#options.onWarning(text));
    if (status >= 200 && status < 300) return response;
    const body = await this.#read(response, call, limit);
    throw decodeRefusal(status, tryParse(body), call.what, call.resource, retryAfterMs(response, this.#options.clock));
  }

  #send(call: Call, credentials: Credentials, signal: AbortSignal): Promise<http.IncomingMessage> {
    const { server } = this.#connection;
    const secure = server.protocol === 'https:';
    const content = call.body && Buffer.from(JSON.stringify(call.body.content));
    const headers = {
      ...credentials.headers,
      'User-Agent': this.#options.userAgent,
      Accept: call.accept ?? 'application/json',
      ...(content && { 'Content-Type': call.body?.type, 'Content-Length': content.length }),
    };
    const target = {
      protocol: server.protocol,
      hostname: server.hostname.replace(/^\[|\]$/g, ''),
      port: server.port || (secure ? 443 : 80),
    };
    const path = `${server.pathname.replace(/\/$/, '')}${call.path}${queryString(call.query)}`;
    return new Promise((resolve, reject) => {
      // Throws for a key or a certificate that is none.
      const agent = this.#agents.agentFor(credentials, secure);
      const options = { ...target, path, method: call.method, headers, agent, signal };
      const request = (secure ? https : http).request(options, resolve);
      request.on('error', reject);
      request.end(content);
    });
  }

  async #read(response: http.IncomingMessage, call: Call, limit: TimeLimit): Promise<string> {
    const collect = async (): Promise<string> => {
      const chunks: Buffer[] = [];
      let length = 0;
      for await (const chunk of response) {
        length += chunk.length;
        if (length > largestAnswer) throw malformed(`${call.what}: the answer is larger than ${largestAnswer} bytes`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString('utf8');
    };
    return limit.race(collect(), call.what);
  }

  async #currentCredentials(): Promise<Credentials> {
    const now = this.#options.clock.monotonic();
    if (this.#credentials === undefined || now - this.#credentials.since > credentialsAgeMs)
      this.#credentials = { value: this.#connection.credentials(), since: now };
    try {
      return await this.#credentials.value;
    } catch (error) {
      this.#credentials = undefined;
      // What a credential plugin says may quote the token: only a code like ENOENT is passed on.
      const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
      throw new ApiError(`no credentials for the API server could be had${code}`, { status: 0, reason: 'Unauthorized' });
    }
  }
}

/** Destroys the response when the signal comes while it is being read. */
function endWith(response: http.IncomingMessage, signal: AbortSignal): void {
  const stop = (): void => {
    response.destroy();
  };
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  response.once('close', () => signal.removeEventListener('abort', stop));
}

/** `299 - "text"`, several with commas between them. */
function warningsOf({ headers }: http.IncomingMessage): readonly string[] {
  const found = `${headers['warning'] ?? ''}`.matchAll(/(?:^|,)\s*299 \S+ "((?:[^"\\]|\\.)*)"/g);
  return [...found].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));
}

function tryParse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function queryString(query: Call['query'] = {}): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

/** Seconds or a date. */
function retryAfterMs(response: http.IncomingMessage, clock: Clock): number | undefined {
  const value = response.headers['retry-after'];
  if (value === undefined) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - clock.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
